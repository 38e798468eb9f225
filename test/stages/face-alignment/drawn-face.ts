/** Drawn faces that face-api finds, and clips of them: real images and real videos for tests. */
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import sharp from 'sharp';
import type {RgbImage} from '../../../stages/face-alignment/image.js';
import {locateFfmpeg} from '../../../stages/demux/binary.js';

export interface DrawnFace {
  readonly middleX: number;
  readonly middleY: number;
  /** Pixels from the top of the hair to the chin. */
  readonly height: number;
  readonly rollDegrees?: number;
  /** −1 … 1. */
  readonly smile?: number;
  /** 0 … 1. */
  readonly open?: number;
}

const skin = '#e0b090';
const shade = '#c08a68';
const hair = '#3a2a1c';

/** Lengths are in units of half the face's height. */
function face({middleX, middleY, height, rollDegrees = 0, smile = 0, open = 0}: DrawnFace): string {
  const eye = (side: number) =>
    `<g transform="translate(${0.33 * side},-0.16)"><ellipse rx="0.2" ry="0.1" fill="#fafafa" stroke="#35241b" stroke-width="0.035"/><circle r="0.1" fill="#4a3526"/><circle r="0.05" fill="#0a0a0a"/></g>
     <path d="M ${0.11 * side} -0.4 Q ${0.33 * side} -0.48 ${0.55 * side} -0.35" stroke="${hair}" stroke-width="0.075" fill="none" stroke-linecap="round"/>`;
  const width = 0.3 + 0.06 * smile;
  const corner = 0.52 - 0.16 * smile;
  const mouth = `M ${-width} ${corner} Q 0 ${0.508 + 0.16 * smile - 0.12 * open} ${width} ${corner} Q 0 ${0.62 + 0.16 * smile + 0.4 * open} ${-width} ${corner} Z`;
  return `<g transform="translate(${middleX},${middleY}) rotate(${rollDegrees}) scale(${height / 2})">
    <path d="M -0.85 1.7 Q 0 0.9 0.85 1.7 Z" fill="#445566"/><rect x="-0.28" y="0.7" width="0.56" height="0.6" fill="${shade}"/>
    <ellipse cy="-0.16" rx="0.8" ry="0.98" fill="${hair}"/><ellipse cy="0.02" rx="0.72" ry="1" fill="${skin}"/>
    <path d="M -0.74 -0.35 Q -0.6 -0.85 0 -0.78 Q 0.6 -0.85 0.74 -0.35 Q 0.7 -1.12 0 -1.12 Q -0.7 -1.12 -0.74 -0.35 Z" fill="${hair}"/>
    ${eye(-1)}${eye(1)}
    <path d="M -0.04 -0.14 Q -0.1 0.1 -0.15 0.2 Q 0 0.3 0.15 0.2" stroke="${shade}" stroke-width="0.05" fill="none"/>
    <circle cx="-0.07" cy="0.22" r="0.028" fill="#6b4030"/><circle cx="0.07" cy="0.22" r="0.028" fill="#6b4030"/>
    <path d="${mouth}" fill="${open > 0.15 ? '#4a1518' : '#a8484a'}" stroke="#a8484a" stroke-width="0.05"/></g>`;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export async function drawFaces({width, height}: Size, faces: readonly DrawnFace[]): Promise<RgbImage> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="#7d8794"/>${faces.map(face).join('')}</svg>`;
  return {width, height, rgb: await sharp(Buffer.from(svg)).removeAlpha().raw().toBuffer()};
}

/** Writes an mp4 of ten frames per second. */
export async function writeClip(path: string, frames: readonly RgbImage[]): Promise<void> {
  const {width, height} = frames[0]!;
  const input = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${width}x${height}`, '-r', '10', '-i', 'pipe:0'];
  const ffmpeg = spawn(
    (await locateFfmpeg()).path,
    ['-v', 'error', ...input, '-crf', '18', '-pix_fmt', 'yuv420p', '-y', path],
    {
      stdio: ['pipe', 'ignore', 'inherit'],
    },
  );
  const closed = once(ffmpeg, 'close');
  for (const {rgb} of frames) ffmpeg.stdin.write(rgb);
  ffmpeg.stdin.end();
  const [code] = (await closed) as [number];
  if (code !== 0) throw new Error(`ffmpeg ended with ${code}`);
}

/** Small real clips, made by the same ffmpeg that reads them. */
import {execFile} from 'node:child_process';
import {readFileSync, writeFileSync} from 'node:fs';
import {promisify} from 'node:util';
import {locateFfmpeg} from '../../../stages/demux/binary.js';

/** Runs ffmpeg with these arguments before the output file; gives the file's path. */
export async function makeClip(file: string, ...options: string[]): Promise<string> {
  const {path: binary} = await locateFfmpeg();
  await promisify(execFile)(binary, ['-nostdin', '-v', 'error', '-y', ...options, file]);
  return file;
}

export const picture = (seconds: number, rate = 25, size = '64x48') => [
  '-f',
  'lavfi',
  '-i',
  `testsrc=s=${size}:r=${rate}:d=${seconds}`,
];
export const tone = (seconds: number, rate = 44_100) => ['-f', 'lavfi', '-i', `sine=f=440:d=${seconds}:r=${rate}`];
export const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'];

/** Copies a file with some of its bytes changed, or cut off at `length`. */
export function damaged(
  from: string,
  to: string,
  damage: {readonly at?: number; readonly count?: number; readonly length?: number},
): string {
  const bytes = readFileSync(from);
  const {at = 0, count = 0, length = bytes.length} = damage;
  for (let k = at; k < at + count; k++) bytes[k] = (k * 97) & 255;
  writeFileSync(to, bytes.subarray(0, length));
  return to;
}

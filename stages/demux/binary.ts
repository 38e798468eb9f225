/**
 * Finds the ffmpeg binary: FFMPEG_PATH → the package ffmpeg-static → `ffmpeg` on PATH → the package
 * @ffmpeg-installer/ffmpeg, whose binary travels inside npm. The first that really runs is taken.
 */
import {execFile} from 'node:child_process';
import {promisify} from 'node:util';
import {StageError} from '../errors.js';

export interface FfmpegBinary {
  readonly path: string;
  /** As the binary states it, for example '7.0.2-static'. */
  readonly version: string;
  /** Where it was found: 'FFMPEG_PATH', 'ffmpeg-static', 'PATH' or '@ffmpeg-installer/ffmpeg'. */
  readonly source: string;
  /** Option that keeps every decoded frame at its own time; `-vsync` was renamed in ffmpeg 5.1. */
  readonly passthrough: readonly [string, string];
}

const found = new Map<string, Promise<FfmpegBinary>>();

/**
 * Locates ffmpeg once per process and value of FFMPEG_PATH.
 *
 * @throws StageError 'ffmpeg-missing' where none runs.
 */
export function locateFfmpeg(chosen: string | undefined = process.env['FFMPEG_PATH']): Promise<FfmpegBinary> {
  const key = chosen ?? '';
  let binary = found.get(key);
  if (!binary) {
    binary = chosen ? chosenBinary(chosen) : firstThatRuns();
    found.set(key, binary);
    binary.catch(() => found.delete(key));
  }
  return binary;
}

async function chosenBinary(path: string): Promise<FfmpegBinary> {
  const tried = await tryBinary('FFMPEG_PATH', path);
  if (typeof tried !== 'string') return tried;
  throw new StageError(
    'ffmpeg-missing',
    `FFMPEG_PATH names "${path}", which does not run: ${tried}`,
    'Set FFMPEG_PATH to an ffmpeg binary (4.0 or later), or unset it to use the one that npm installed.',
  );
}

async function firstThatRuns(): Promise<FfmpegBinary> {
  const candidates: [string, string | undefined][] = [
    ['ffmpeg-static', await packagedPath('ffmpeg-static')],
    ['PATH', 'ffmpeg'],
    ['@ffmpeg-installer/ffmpeg', await packagedPath('@ffmpeg-installer/ffmpeg')],
  ];
  const failures: string[] = [];
  for (const [source, path] of candidates) {
    const tried = path === undefined ? 'not installed' : await tryBinary(source, path);
    if (typeof tried !== 'string') return tried;
    failures.push(`${source}: ${tried}`);
  }
  throw new StageError(
    'ffmpeg-missing',
    `no ffmpeg that runs was found (${failures.join('; ')})`,
    'Install ffmpeg 4.0 or later, or set FFMPEG_PATH to its binary.',
  );
}

/** Both packages export where their binary lies: as the default export, or as its `path`. */
async function packagedPath(name: string): Promise<string | undefined> {
  try {
    const {default: exported} = (await import(name)) as {default: string | null | {path?: string}};
    return (typeof exported === 'string' ? exported : exported?.path) ?? undefined;
  } catch {
    return undefined; // Optional packages may be absent, or not serve this platform.
  }
}

async function tryBinary(source: string, path: string): Promise<FfmpegBinary | string> {
  try {
    const {stdout} = await promisify(execFile)(path, ['-hide_banner', '-version'], {windowsHide: true});
    return describe(source, path, stdout);
  } catch (error) {
    return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  }
}

function describe(source: string, path: string, banner: string): FfmpegBinary | string {
  const version = /^ffmpeg version (\S+)/m.exec(banner)?.[1];
  const [, major, minor] = /^libavutil\s+(\d+)\.\s*(\d+)/m.exec(banner) ?? [];
  if (version === undefined || major === undefined || minor === undefined) return 'is not ffmpeg';
  // Builds from git carry no release number, so the library's version decides: 57.28 is the one of ffmpeg 5.1.
  const renamed = Number(major) > 57 || (Number(major) === 57 && Number(minor) >= 28);
  return {path, version, source, passthrough: [renamed ? '-fps_mode' : '-vsync', 'passthrough']};
}

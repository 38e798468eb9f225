/** Failures of decoding, told to the user: which file, what ffmpeg said, what to do. */
import {constants} from 'node:fs';
import {access, stat} from 'node:fs/promises';
import path from 'node:path';
import {StageError} from '../errors.js';
import type {FfmpegEnd} from './ffmpeg.js';

/**
 * Checks that a file is there and may be read, before ffmpeg is asked.
 *
 * @throws StageError 'unreadable-file'.
 */
export async function assertReadable(file: string): Promise<void> {
  const unreadable = (seen: string, remedy: string, cause?: unknown) =>
    new StageError('unreadable-file', `${quoted(file)} ${seen}`, remedy, {cause});
  const status = await stat(file).catch((cause: unknown) => {
    throw unreadable(`cannot be opened: ${reason(cause)}`, `Check the path "${file}".`, cause);
  });
  if (!status.isFile()) throw unreadable('is not a file', 'Name the media file itself, not the folder it lies in.');
  if (status.size === 0) throw unreadable('is empty (0 bytes)', 'Copy or download the file again.');
  await access(file, constants.R_OK).catch((cause: unknown) => {
    throw unreadable(
      `cannot be read: ${reason(cause)}`,
      'Grant read permission to the user who runs affectflow.',
      cause,
    );
  });
}

/** The error for a file of which nothing could be decoded. */
export function nothingDecoded(file: string, end: FfmpegEnd): StageError {
  const {failure, complaints} = end;
  if (failure?.includes('signal') === true) return stopped(file, end);
  if (/Invalid data found|moov atom not found|Invalid argument|EBML header/.test(complaints.said)) {
    return new StageError(
      'unreadable-file',
      `${quoted(file)} is not a media file that ffmpeg can read: ${complaints.said}`,
      'Copy or download the file again, or exclude the clip.',
    );
  }
  return new StageError(
    'no-frames',
    `${quoted(file)} has a video stream but no frame of it could be decoded: ${complaints.said}`,
    'Check the file in a player, re-encode it, or exclude the clip.',
  );
}

/** The error for a file without a video stream. */
export function noVideoStream(file: string): StageError {
  return new StageError(
    'no-video-stream',
    `${quoted(file)} has no video stream`,
    'Name a file with video, or exclude the clip.',
  );
}

/** The error for a process that was ended from outside or could not go on reading. */
export function stopped(file: string, {failure, complaints}: FfmpegEnd): StageError {
  return new StageError(
    'ffmpeg-failed',
    `decoding ${quoted(file)} stopped early (${failure ?? 'read error'}): ${complaints.said}`,
    'Check memory and storage of the machine, then run again.',
  );
}

/** Whether the process ended for a reason that lies outside the file, so that what it gave must not be kept. */
export function endedFromOutside({failure, complaints}: FfmpegEnd): boolean {
  return failure?.includes('signal') === true || complaints.readFailed;
}

function quoted(file: string): string {
  return `"${path.basename(file)}"`;
}

function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const words: Record<string, string> = {
    ENOENT: 'no such file',
    EACCES: 'permission denied',
    EPERM: 'permission denied',
  };
  return words[String(code)] ?? (error instanceof Error ? error.message : String(error));
}

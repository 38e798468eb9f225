/**
 * Brings a resource, or a stretch of one, into a file that grows as bytes arrive. What is there already is kept: a cut
 * connection, a killed process and the next `pull` all go on where the file ends.
 */
import type {IncomingMessage} from 'node:http';
import {open, rm, stat} from 'node:fs/promises';
import {setTimeout as sleep} from 'node:timers/promises';
import {get, reasonOf, TransferError, type Transport} from './http.js';

export interface Retry {
  /** Attempts in a row that bring nothing before an address is given up. */
  readonly attempts: number;
  /** Wait after the first of them; it doubles from there, up to 30 s. */
  readonly waitSeconds: number;
}

const patientRetry: Retry = {attempts: 5, waitSeconds: 1};

const LONGEST_WAIT_SECONDS = 30;

export interface DownloadOptions {
  /** The file that grows. */
  readonly part: string;
  /** Bytes wanted; the server must agree. */
  readonly bytes: number;
  /** Where they begin inside the resource; absent where they are all of it. */
  readonly start?: number | undefined;
  readonly transport: Transport;
  readonly retry?: Retry | undefined;
  readonly progress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
}

/**
 * Downloads until `part` has all its bytes.
 *
 * @throws TransferError when the address is given up; `part` then holds what came.
 */
export async function download(url: string, options: DownloadOptions): Promise<void> {
  const {part, bytes, retry, transport} = options;
  if ((await sizeOf(part)) > bytes) await rm(part);
  await withPatience({retry, transport, position: () => sizeOf(part)}, async () => {
    const have = await sizeOf(part);
    if (have < bytes) await attempt(url, have, options);
  });
}

/**
 * Tries until it works, waiting longer each time; attempts that moved `position` on do not count.
 *
 * @throws TransferError of the last attempt.
 */
export async function withPatience<T>(
  {
    retry = patientRetry,
    transport: {signal},
    position = async () => 0,
  }: {retry?: Retry | undefined; transport: Transport; position?: () => Promise<number>},
  action: () => Promise<T>,
): Promise<T> {
  for (let fruitless = 0; ;) {
    const before = await position();
    try {
      return await action();
    } catch (error) {
      const failure =
        error instanceof TransferError
          ? error
          : new TransferError(reasonOf(error), {permanent: isDiskError(error), cause: error});
      fruitless = (await position()) > before ? 0 : fruitless + 1;
      if (failure.permanent || signal?.aborted === true || fruitless >= retry.attempts) throw failure;
      const wait = failure.waitSeconds ?? retry.waitSeconds * 2 ** Math.max(0, fruitless - 1);
      await sleep(Math.min(wait, LONGEST_WAIT_SECONDS) * 1000);
    }
  }
}

/** One request, from where the file ends. */
async function attempt(
  url: string,
  have: number,
  {part, bytes, start, transport, progress}: DownloadOptions,
): Promise<void> {
  const from = (start ?? 0) + have;
  const range =
    from === 0 && start === undefined
      ? undefined
      : {start: from, ...(start === undefined ? {} : {end: start + bytes - 1})};
  const response = await get(url, range, transport);
  try {
    const position = await positionOf(response, {part, bytes, start, have, from});
    await append(response, {part, position, bytes, progress});
  } finally {
    response.destroy();
  }
}

/** Where in the file the body of a response goes, once its length proved to be the one wanted. */
async function positionOf(
  response: IncomingMessage,
  {
    part,
    bytes,
    start,
    have,
    from,
  }: {part: string; bytes: number; start: number | undefined; have: number; from: number},
): Promise<number> {
  if (response.statusCode === 416) {
    await rm(part, {force: true});
    throw new TransferError('the server has no bytes beyond those already here', {permanent: have === 0});
  }
  if (response.statusCode === 206) {
    const seen = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers['content-range'] ?? '');
    if (Number(seen?.[1]) !== from)
      throw new TransferError(`the server sent '${response.headers['content-range'] ?? ''}' for bytes from ${from}`, {
        permanent: true,
      });
    if (start === undefined && seen?.[2] !== '*') checkLength(Number(seen?.[2]), bytes);
    return have;
  }
  if (start !== undefined) throw new TransferError('the server does not serve parts of files', {permanent: true});
  const length = response.headers['content-length'];
  if (length !== undefined) checkLength(Number(length), bytes);
  // The server begins again, and so does the file.
  await rm(part, {force: true});
  return 0;
}

function checkLength(seen: number, expected: number): void {
  if (seen === expected) return;
  const hint = seen < 1024 ? ', perhaps a Git LFS pointer or an error page' : '';
  throw new TransferError(`the file there has ${seen} bytes, expected ${expected}${hint}`, {permanent: true});
}

async function append(
  response: IncomingMessage,
  {
    part,
    position,
    bytes,
    progress,
  }: {part: string; position: number; bytes: number; progress: DownloadOptions['progress']},
): Promise<void> {
  // Written by position rather than appended, so that two processes pulling one model write the same bytes.
  const file = await open(part, position === 0 ? 'w' : 'r+');
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      if (position + chunk.length > bytes)
        throw new TransferError(`more than the expected ${bytes} bytes came`, {permanent: true});
      await file.writev([chunk], position);
      position += chunk.length;
      progress?.(position, bytes);
    }
  } finally {
    await file.close();
  }
  if (position < bytes && response.complete) {
    // Its length was not announced, but this is all there is.
    await rm(part);
    checkLength(position, bytes);
  }
  if (position < bytes)
    throw new TransferError(`the connection ended after ${position} of ${bytes} bytes`, {permanent: false});
}

/** Whether an error came from this machine's disk: no other attempt or address helps. */
export function isDiskError(error: unknown): boolean {
  const codes = ['ENOSPC', 'EDQUOT', 'EACCES', 'EROFS', 'EPERM', 'EFBIG', 'ENOTDIR'];
  return codes.includes((error as {code?: string} | undefined)?.code ?? '');
}

async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({size}) => size,
    () => 0,
  );
}

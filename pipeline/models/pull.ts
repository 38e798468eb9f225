/** Brings a model's file from its addresses, or from a copy the user has, and gives it its name only once it is proven. */
import {createReadStream, createWriteStream} from 'node:fs';
import {copyFile, mkdir, open, rename, rm, stat} from 'node:fs/promises';
import path from 'node:path';
import {pipeline} from 'node:stream/promises';
import {createInflateRaw} from 'node:zlib';
import {workspaceError} from '../../cache/publish.js';
import {download, isDiskError, withPatience, type DownloadOptions, type Retry} from './download.js';
import {ModelError} from './errors.js';
import {get, reasonOf, TransferError, type Transport} from './http.js';
import type {DownloadEntry, ModelEntry, Source} from './manifest.js';
import {howToGet} from './resolve.js';
import {sha256OfFile} from './sha256.js';
import {modelPath, writeRecord} from './store.js';
import {findMember, openFile, type RandomAccess} from './zip.js';

export interface PullOptions {
  /** Folder of models. */
  readonly folder: string;
  readonly offline?: boolean;
  /** A file or folder that has the model, instead of its addresses. */
  readonly from?: string | undefined;
  readonly transport?: Transport;
  readonly retry?: Retry | undefined;
  readonly progress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
  /** Told when something went wrong that was overcome, such as a mirror that failed. */
  readonly note?: (message: string) => void;
}

export interface Pulled {
  readonly path: string;
  /** Where it came from; undefined where it was there already. */
  readonly source: string | undefined;
}

/**
 * Makes a model available: checks the one that is there, else fetches it.
 *
 * @throws ModelError 'offline', 'not-found', 'download-failed' or 'wrong-bytes'; CacheError where the disk refuses.
 */
export async function pull(entry: ModelEntry, options: PullOptions): Promise<Pulled> {
  if (entry.kind === 'slot') {
    throw new ModelError(
      'not-found',
      `model '${entry.id}' cannot be pulled: nobody publishes it as ONNX`,
      howToGet(entry),
    );
  }
  const target = modelPath(entry, options.folder);
  try {
    await mkdir(path.dirname(target), {recursive: true});
    const source = (await isThere(entry, target, options)) ? undefined : await bring(entry, target, options);
    await writeRecord(entry, options.folder);
    return {path: target, source};
  } catch (error) {
    throw workspaceError(error, target);
  }
}

async function isThere(entry: DownloadEntry, target: string, {note}: PullOptions): Promise<boolean> {
  if ((await stat(target).catch(() => undefined)) === undefined) return false;
  if ((await sha256OfFile(target)) === entry.sha256) return true;
  note?.(`${target} is not the file it should be, and is replaced`);
  return false;
}

async function bring(entry: DownloadEntry, target: string, options: PullOptions): Promise<string> {
  if (options.from !== undefined) return bringLocal(entry, target, options.from);
  if (options.offline === true) throw offline(entry);
  const reasons: string[] = [];
  for (const source of entry.urls) {
    const address = typeof source === 'string' ? source : `${source.zip} (${source.member})`;
    try {
      await bringRemote(entry, source, target, options);
      return address;
    } catch (error) {
      if (!(error instanceof TransferError) || options.transport?.signal?.aborted === true || isDiskError(error.cause))
        throw causeOf(error);
      reasons.push(`${address}: ${error.message}`);
      if (reasons.length < entry.urls.length) options.note?.(`${address}: ${error.message}; trying the next mirror`);
    }
  }
  throw new ModelError(
    reasons.some((reason) => /SHA-256|bytes, expected/.test(reason)) ? 'wrong-bytes' : 'download-failed',
    `model '${entry.id}' could not be downloaded:\n    ${reasons.join('\n    ')}`,
    `Try again later (what came is kept), give a proxy with --proxy, or fetch ${path.basename(entry.file)} by other means and \`affectflow models pull ${entry.id} --from <file>\`.`,
  );
}

/** A download that was resumed may join two different files; then it is made once more from the beginning. */
async function bringRemote(entry: DownloadEntry, source: Source, target: string, options: PullOptions): Promise<void> {
  const part = `${target}.part`;
  const resumed = (await stat(part).catch(() => undefined)) !== undefined;
  await fetchSource(entry, source, part, options);
  if (await settle(entry, part, target)) return;
  if (!resumed) throw wrongHash();
  await fetchSource(entry, source, part, options);
  if (!(await settle(entry, part, target))) throw wrongHash();
}

function wrongHash(): TransferError {
  return new TransferError('the file there has another SHA-256 than the manifest; it was removed', {permanent: true});
}

async function fetchSource(entry: DownloadEntry, source: Source, part: string, options: PullOptions): Promise<void> {
  const {transport = {}, retry, progress} = options;
  const common = {transport, progress, retry};
  if (typeof source === 'string') return download(source, {...common, part, bytes: entry.bytes});
  return fetchMember(entry, source, part, common);
}

/** Fetches one member of a remote archive: its directory first, then its bytes alone. */
async function fetchMember(
  entry: DownloadEntry,
  {zip, member}: Exclude<Source, string>,
  part: string,
  common: Pick<DownloadOptions, 'transport' | 'retry' | 'progress'>,
): Promise<void> {
  const found = await withPatience(common, async () => findMember(await remoteFile(zip, common.transport), member));
  if (found.bytes !== entry.bytes) {
    throw new TransferError(`its member ${member} has ${found.bytes} bytes, expected ${entry.bytes}`, {
      permanent: true,
    });
  }
  const packed = `${part}.zip`;
  await download(zip, {...common, part: packed, start: found.start, bytes: found.compressedBytes});
  await unpack(packed, part, found.deflated);
  await rm(packed, {force: true});
}

async function remoteFile(url: string, transport: Transport): Promise<RandomAccess> {
  const read = async (start: number, length: number) => {
    const response = await get(url, {start, end: start + length - 1}, transport);
    if (response.statusCode !== 206) {
      response.destroy();
      throw new TransferError('the server does not serve parts of files', {permanent: true});
    }
    try {
      return {data: Buffer.concat(await response.toArray()), range: response.headers['content-range'] ?? ''};
    } catch (cause) {
      throw new TransferError(reasonOf(cause), {permanent: false, cause});
    }
  };
  const bytes = Number((await read(0, 1)).range.split('/')[1]);
  if (!Number.isInteger(bytes))
    throw new TransferError('the server does not tell how long the archive is', {permanent: true});
  return {bytes, read: async (start, length) => (await read(start, length)).data};
}

async function unpack(packed: string, part: string, deflated: boolean): Promise<void> {
  if (!deflated) return rename(packed, part);
  try {
    await pipeline(createReadStream(packed), createInflateRaw(), createWriteStream(part));
  } catch (cause) {
    await rm(packed, {force: true});
    throw new TransferError(`the archive is damaged (${reasonOf(cause)})`, {permanent: true, cause});
  }
}

/** Gives a complete file its name if its bytes are right; else removes it. */
async function settle(entry: DownloadEntry, part: string, target: string): Promise<boolean> {
  if ((await sha256OfFile(part)) !== entry.sha256) {
    await rm(part);
    return false;
  }
  // A name must not outlive its bytes; that the name itself may be lost with the power only costs another pull.
  const handle = await open(part, 'r+');
  await handle.sync();
  await handle.close();
  await rename(part, target);
  return true;
}

async function bringLocal(entry: DownloadEntry, target: string, from: string): Promise<string> {
  const copy = `${target}.copy`;
  const source = await copyLocal(entry, copy, path.resolve(from));
  const {size} = await stat(copy);
  if (await settle(entry, copy, target)) return source;
  throw new ModelError(
    'wrong-bytes',
    `${source} is not model '${entry.id}': it has ${size} bytes and another SHA-256 than the manifest (${entry.bytes} bytes, ${entry.sha256})`,
    'Fetch it again from one of the addresses that `affectflow models list --urls` shows.',
  );
}

/** Copies the file, or the member of an archive, that `from` is or has. Returns where it lay. */
async function copyLocal(entry: DownloadEntry, copy: string, from: string): Promise<string> {
  for (const candidate of await candidates(entry, from)) {
    const kind = await stat(candidate.file).catch(() => undefined);
    if (kind?.isFile() !== true) continue;
    if (candidate.member === undefined) await copyFile(candidate.file, copy);
    else await copyMember(candidate.file, candidate.member, copy);
    return candidate.file;
  }
  throw new ModelError(
    'not-found',
    `${from} has no ${entry.file}`,
    `Give the file itself, or a folder that has ${entry.file} or ${entry.id}/${entry.file}.`,
  );
}

async function candidates(entry: DownloadEntry, from: string): Promise<{file: string; member?: string}[]> {
  const zips = entry.urls.filter((source) => typeof source !== 'string');
  const folder = await stat(from).catch(() => undefined);
  if (folder?.isDirectory() === true) {
    const archives = zips.map(({zip, member}) => ({
      file: path.join(from, path.posix.basename(new URL(zip).pathname)),
      member,
    }));
    return [{file: path.join(from, entry.file)}, {file: path.join(from, entry.id, entry.file)}, ...archives];
  }
  return from.endsWith('.zip')
    ? [{file: from, member: zips[0]?.member ?? path.posix.basename(entry.file)}]
    : [{file: from}];
}

async function copyMember(archive: string, member: string, copy: string): Promise<void> {
  const file = await openFile(archive);
  try {
    const {start, compressedBytes, deflated} = await findMember(file, member);
    const packed = createReadStream(archive, {start, end: start + compressedBytes - 1});
    await (deflated
      ? pipeline(packed, createInflateRaw(), createWriteStream(copy))
      : pipeline(packed, createWriteStream(copy)));
  } catch (cause) {
    await rm(copy, {force: true});
    throw new ModelError('not-found', `${archive}: ${reasonOf(cause)}`, `Give ${member} itself with --from.`, {cause});
  } finally {
    await file.close();
  }
}

function offline(entry: DownloadEntry): ModelError {
  return new ModelError(
    'offline',
    `model '${entry.id}' is not there, and --offline forbids to fetch it`,
    `On a machine with a network run \`affectflow models pull ${entry.id}\`, bring ${entry.file} (${entry.bytes} bytes) here, and \`affectflow models pull ${entry.id} --from <file>\`.`,
  );
}

/** The disk's own error, which says more than the transfer that it ended. */
function causeOf(error: unknown): unknown {
  return error instanceof TransferError && isDiskError(error.cause) ? error.cause : error;
}

/**
 * Finds one member of a zip archive without reading the rest, on disk or behind HTTP: model packs hold 300 MB of which
 * one network is wanted. Source: PKWARE APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16. No Zip64, no encryption.
 */
import {open} from 'node:fs/promises';
import {TransferError} from './http.js';

/** Bytes that can be read anywhere. */
export interface RandomAccess {
  readonly bytes: number;
  read(start: number, length: number): Promise<Buffer>;
}

export interface ZipMember {
  /** Where the member's (compressed) data begin in the archive. */
  readonly start: number;
  readonly compressedBytes: number;
  readonly bytes: number;
  readonly deflated: boolean;
}

const END_SIGNATURE = 0x06054b50;
const ENTRY_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
/** Size of the end record, and the longest comment that may follow it. */
const END_BYTES = 22;
const LONGEST_COMMENT_BYTES = 0xffff;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
/** Marks a value that stands in a Zip64 record. */
const ELSEWHERE = 0xffffffff;

/** Finds a member by name, in whatever folder of the archive it lies. Throws TransferError where it cannot be had. */
export async function findMember(archive: RandomAccess, name: string): Promise<ZipMember> {
  const entry = await findEntry(archive, name);
  const local = await archive.read(entry.headerStart, LOCAL_BYTES);
  if (local.readUInt32LE(0) !== LOCAL_SIGNATURE)
    throw bad(`its member ${name} does not begin where the directory says`);
  const start = entry.headerStart + LOCAL_BYTES + local.readUInt16LE(26) + local.readUInt16LE(28);
  return {start, compressedBytes: entry.compressedBytes, bytes: entry.bytes, deflated: entry.method === 8};
}

async function findEntry(archive: RandomAccess, name: string): Promise<Entry> {
  const entries = readEntries(await readDirectory(archive));
  const found = entries.find((entry) => entry.name === name || entry.name.endsWith(`/${name}`));
  if (found === undefined) throw bad(`it has no ${name}; it has ${entries.map((entry) => entry.name).join(', ')}`);
  if (found.method !== 0 && found.method !== 8)
    throw bad(`${name} is compressed by method ${found.method}; only stored and deflated are read`);
  if (found.encrypted || [found.compressedBytes, found.bytes, found.headerStart].includes(ELSEWHERE))
    throw bad(`${name} is encrypted or needs Zip64`);
  return found;
}

async function readDirectory(archive: RandomAccess): Promise<Buffer> {
  const tailBytes = Math.min(archive.bytes, END_BYTES + LONGEST_COMMENT_BYTES);
  const tail = await archive.read(archive.bytes - tailBytes, tailBytes);
  for (let at = tail.length - END_BYTES; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== END_SIGNATURE) continue;
    const [bytes, start] = [tail.readUInt32LE(at + 12), tail.readUInt32LE(at + 16)];
    if (start + bytes > archive.bytes) throw bad('it is cut short or needs Zip64');
    return archive.read(start, bytes);
  }
  throw bad('it has no directory; it is no zip archive, or cut short');
}

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly encrypted: boolean;
  readonly compressedBytes: number;
  readonly bytes: number;
  readonly headerStart: number;
}

function readEntries(directory: Buffer): Entry[] {
  const entries: Entry[] = [];
  for (let at = 0; at + ENTRY_BYTES <= directory.length && directory.readUInt32LE(at) === ENTRY_SIGNATURE;) {
    const nameEnd = at + ENTRY_BYTES + directory.readUInt16LE(at + 28);
    entries.push({
      name: directory.toString('utf8', at + ENTRY_BYTES, nameEnd),
      method: directory.readUInt16LE(at + 10),
      encrypted: (directory.readUInt16LE(at + 8) & 1) === 1,
      compressedBytes: directory.readUInt32LE(at + 20),
      bytes: directory.readUInt32LE(at + 24),
      headerStart: directory.readUInt32LE(at + 42),
    });
    at = nameEnd + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return entries;
}

/** Opens a file for reading anywhere; close it when done. */
export async function openFile(file: string): Promise<RandomAccess & {close(): Promise<void>}> {
  const handle = await open(file, 'r');
  const {size} = await handle.stat();
  return {
    bytes: size,
    async read(start, length) {
      const {buffer, bytesRead} = await handle.read(Buffer.alloc(length), 0, length, start);
      if (bytesRead < length) throw bad('it is cut short');
      return buffer;
    },
    close: () => handle.close(),
  };
}

function bad(problem: string): TransferError {
  return new TransferError(`the zip archive cannot be read: ${problem}`, {permanent: true});
}

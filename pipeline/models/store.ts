/**
 * The folder of models: `<models>/<id>/<file>`, and beside it `record.json` with the SHA-256 each file had when it was
 * checked. The record is what makes a file usable without hashing 170 MB again, and the only digest of a user's own file.
 */
import {existsSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {z} from 'zod';
import {publishText} from '../../cache/publish.js';
import type {ModelEntry} from './manifest.js';
import {sha256OfFile} from './sha256.js';

const recordSchema = z.object({
  version: z.literal(1),
  id: z.string(),
  files: z.array(
    z.object({file: z.string(), sha256: z.string(), bytes: z.number(), mtimeMs: z.number(), inode: z.number()}),
  ),
});

export type ModelRecord = z.output<typeof recordSchema>;
export type RecordedFile = ModelRecord['files'][number];

/** 'verified': checked, and not touched since. 'present': there, but unchecked or touched since. */
export type ModelState = 'verified' | 'present' | 'absent';

/** Where the models of a workspace are, unless `--models` says otherwise. */
export function modelsFolder(workspace: string): string {
  return path.join(workspace, 'models');
}

export function modelFolder({id}: ModelEntry, folder: string): string {
  return path.join(folder, id);
}

/** Path of the network itself, whether it is there or not. */
export function modelPath(entry: ModelEntry, folder: string): string {
  return path.join(folder, entry.id, entry.file);
}

/** Network and companions, by their paths inside the model's folder. */
export function filesOf(entry: ModelEntry): readonly string[] {
  return entry.kind === 'slot' ? [entry.file, ...entry.companions] : [entry.file];
}

export function stateOf(entry: ModelEntry, folder: string): ModelState {
  if (!existsSync(modelPath(entry, folder))) return 'absent';
  const record = readRecord(entry, folder);
  const untouched = filesOf(entry).every((file) => {
    const recorded = record?.files.find((one) => one.file === file);
    return recorded !== undefined && isUntouched(path.join(folder, entry.id, file), recorded);
  });
  return untouched ? 'verified' : 'present';
}

/** What was recorded of a model; undefined where nothing, or nothing readable, is. */
export function readRecord(entry: ModelEntry, folder: string): ModelRecord | undefined {
  try {
    const parsed = recordSchema.safeParse(JSON.parse(readFileSync(recordPath(entry, folder), 'utf8')));
    return parsed.success && parsed.data.id === entry.id ? parsed.data : undefined;
  } catch {
    // Absent or damaged: the files are hashed again.
    return undefined;
  }
}

/** Hashes a model's files and notes what they are. Returns the record. */
export async function writeRecord(entry: ModelEntry, folder: string): Promise<ModelRecord> {
  const files: RecordedFile[] = [];
  for (const file of filesOf(entry)) files.push(await recordOf(file, path.join(folder, entry.id, file)));
  const record: ModelRecord = {version: 1, id: entry.id, files};
  const text = `${JSON.stringify(record, null, 2)}\n`;
  // A user's own file has its only digest here; of a published one it is a memo, which may be lost or torn.
  if (entry.kind === 'slot') publishText(recordPath(entry, folder), text);
  else writeFileSync(recordPath(entry, folder), text);
  return record;
}

/** Whether a file has the size, time and inode it had when it was recorded. A memo of its hash, nothing more (D2). */
export function isUntouched(file: string, recorded: RecordedFile): boolean {
  const seen = statSync(file, {throwIfNoEntry: false});
  return (
    seen !== undefined &&
    seen.size === recorded.bytes &&
    seen.mtimeMs === recorded.mtimeMs &&
    seen.ino === recorded.inode
  );
}

/** Removes a model and all that lies with it. Returns whether there was anything. */
export function removeModel(entry: ModelEntry, folder: string): boolean {
  const own = modelFolder(entry, folder);
  if (!existsSync(own)) return false;
  rmSync(own, {recursive: true});
  return true;
}

async function recordOf(file: string, location: string): Promise<RecordedFile> {
  const sha256 = await sha256OfFile(location);
  const {size, mtimeMs, ino} = statSync(location);
  return {file, sha256, bytes: size, mtimeMs, inode: ino};
}

function recordPath(entry: ModelEntry, folder: string): string {
  return path.join(modelFolder(entry, folder), 'record.json');
}

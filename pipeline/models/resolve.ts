/** From what an experiment names to a file that was checked: the only way a stage comes by a pretrained network. */
import {existsSync, statSync} from 'node:fs';
import path from 'node:path';
import type {ModelContract} from '../../stages/learning/model-contract.js';
import {packageRoot} from '../package-root.js';
import {ModelError} from './errors.js';
import {contractOf, findModel, knownModels, type Manifest, type ModelEntry} from './manifest.js';
import {sha256OfFile} from './sha256.js';
import {filesOf, isUntouched, modelPath, readRecord, writeRecord} from './store.js';

export interface ResolvedModel {
  readonly path: string;
  readonly sha256: string;
  /** undefined for a file of the user's that no entry describes. */
  readonly contract: ModelContract | undefined;
  readonly entry: ModelEntry | undefined;
}

/**
 * Finds a model by id, or an ONNX file by path (anything with a slash or ending in `.onnx`), and makes sure that its
 * bytes are those of the manifest or of its record.
 *
 * @throws ModelError 'unknown-model', 'missing-model' or 'wrong-bytes'.
 */
export async function resolveModel(
  idOrPath: string,
  folder: string,
  manifest: Manifest = knownModels(),
): Promise<ResolvedModel> {
  if (isPath(idOrPath, manifest)) return resolveFile(path.resolve(idOrPath));
  const entry = findModel(idOrPath, manifest);
  const location = modelPath(entry, folder);
  if (!existsSync(location)) throw missing(entry, location);
  return {path: location, sha256: await checkedSha256(entry, folder), contract: contractOf(entry), entry};
}

/** Path of a model that is there, without looking at its bytes. Throws as `resolveModel` does, save 'wrong-bytes'. */
export function locateModel(idOrPath: string, folder: string, manifest: Manifest = knownModels()): string {
  if (isPath(idOrPath, manifest)) return existingFile(path.resolve(idOrPath));
  const entry = findModel(idOrPath, manifest);
  const location = modelPath(entry, folder);
  if (!existsSync(location)) throw missing(entry, location);
  return location;
}

/**
 * SHA-256 of a model's network, once all its files proved to be what they should be; hashed only if touched since.
 *
 * @throws ModelError 'wrong-bytes'.
 */
export async function checkedSha256(entry: ModelEntry, folder: string, {rehash = false} = {}): Promise<string> {
  const record = readRecord(entry, folder);
  let fresh = true;
  for (const file of filesOf(entry)) {
    const recorded = record?.files.find((one) => one.file === file);
    const location = path.join(folder, entry.id, file);
    const expected = entry.kind === 'download' ? entry.sha256 : recorded?.sha256;
    if (expected === undefined) throw unrecorded(entry, location);
    const untouched = recorded?.sha256 === expected && isUntouched(location, recorded);
    fresh &&= untouched;
    if (untouched && !rehash) continue;
    const seen = existsSync(location) ? await sha256OfFile(location) : undefined;
    if (seen !== expected) throw wrongBytes(entry, location, {seen, expected});
  }
  const {files} = fresh ? record! : await writeRecord(entry, folder);
  return files[0]!.sha256;
}

function isPath(idOrPath: string, manifest: Manifest): boolean {
  if (manifest.models.some(({id}) => id === idOrPath)) return false;
  return /[\\/]/.test(idOrPath) || idOrPath.endsWith('.onnx');
}

async function resolveFile(file: string): Promise<ResolvedModel> {
  return {path: existingFile(file), sha256: await sha256OfFile(file), contract: undefined, entry: undefined};
}

function existingFile(file: string): string {
  if (statSync(file, {throwIfNoEntry: false})?.isFile() === true) return file;
  throw new ModelError(
    'missing-model',
    `there is no model file ${file}`,
    'Check the path, or give the id of a model: `affectflow models list`.',
  );
}

function missing(entry: ModelEntry, location: string): ModelError {
  return new ModelError(
    'missing-model',
    `model '${entry.id}' is not there: ${location} does not exist`,
    howToGet(entry),
  );
}

/** How to come by a model, as one sentence. */
export function howToGet(entry: ModelEntry): string {
  if (entry.kind === 'download') return `Pull it with \`affectflow models pull ${entry.id}\`.`;
  const add = `\`affectflow models add ${entry.id} <${entry.companions.length > 0 ? 'folder' : 'file'}>\``;
  if (entry.recipe === null) return `Get ${entry.origin}, and ${add}.`;
  return `Export it with ${recipePath(entry.recipe)} (${entry.origin}) and ${add}.`;
}

/** A path that can be typed where the user is. */
function recipePath(recipe: string): string {
  const absolute = path.join(packageRoot, 'pipeline/models/export', recipe);
  const relative = path.relative(process.cwd(), absolute);
  return relative.startsWith('..') ? absolute : relative;
}

function unrecorded(entry: ModelEntry, location: string): ModelError {
  return new ModelError(
    'wrong-bytes',
    `model '${entry.id}': ${location} was never checked`,
    `Add it properly: \`affectflow models add ${entry.id} <file>\`.`,
  );
}

function wrongBytes(
  entry: ModelEntry,
  location: string,
  {seen, expected}: {seen: string | undefined; expected: string},
): ModelError {
  const remedy =
    entry.kind === 'download'
      ? `Replace it with \`affectflow models pull ${entry.id}\`.`
      : `If the change was meant, \`affectflow models add ${entry.id} <file>\` again.`;
  if (seen === undefined) return new ModelError('wrong-bytes', `model '${entry.id}': ${location} is gone`, remedy);
  return new ModelError(
    'wrong-bytes',
    `model '${entry.id}': ${location} has SHA-256 ${seen}, expected ${expected}`,
    remedy,
  );
}

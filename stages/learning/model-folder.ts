/** Folders in the layout of Hugging Face, as a stage reads them: from this disk alone, every file with its digest. */
import {existsSync, readdirSync, statSync} from 'node:fs';
import path from 'node:path';
import {StageError} from '../errors.js';
import type {ModelFile} from '../stage.js';

/** All files of a folder, by their paths inside it. Throws StageError 'bad-model' where one that is needed is missing. */
export function modelFolderFiles(folder: string, needed: readonly string[]): ModelFile[] {
  const root = rootOf(path.resolve(folder));
  const ids = filesIn(root);
  refuseMissing(
    root,
    needed.filter((id) => !ids.includes(id)),
  );
  return ids.sort().map((id) => ({id, path: path.join(root, ...id.split('/'))}));
}

/** Throws StageError 'bad-model' where one of the declared files is not there any more. */
export function requireFiles(models: Readonly<Record<string, string>>, needed: readonly string[]): void {
  refuseMissing(
    folderOf(models, needed[0]!),
    needed.filter((id) => !existsSync(models[id]!)),
  );
}

function refuseMissing(root: string, missing: readonly string[]): void {
  if (missing.length === 0) return;
  throw new StageError(
    'bad-model',
    `The model folder ${root} lacks ${missing.join(', ')}. It has ${filesIn(root).join(', ') || 'no files'}.`,
    'Give a folder with configuration, tokenizer and onnx/ in the layout of Hugging Face.',
  );
}

/** The folder itself, or that of a network in its folder onnx/, which is what the id of a model leads to. */
function rootOf(given: string): string {
  return statSync(given, {throwIfNoEntry: false})?.isFile() === true ? path.resolve(given, '..', '..') : given;
}

/** What `affectflow models` notes of its checks beside a model; times are in it, so it is no part of the model. */
const notes = 'record.json';

function filesIn(root: string): string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root, {recursive: true, withFileTypes: true})
    .filter(
      (entry) => (entry.isFile() || entry.isSymbolicLink()) && !entry.name.startsWith('.') && entry.name !== notes,
    )
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'));
}

/** The folder that the declared files lie in; `known` is one of them. */
export function folderOf(models: Readonly<Record<string, string>>, known: string): string {
  return path.resolve(models[known]!, ...known.split('/').map(() => '..'));
}

/** transformers.js, told to read nothing but local files and to print errors only. */
export async function localTransformers() {
  const transformers = await import('@huggingface/transformers');
  transformers.env.allowRemoteModels = false;
  transformers.env.allowLocalModels = true;
  transformers.env.logLevel = transformers.LogLevel.ERROR;
  return transformers;
}

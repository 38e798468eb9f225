/** Folders in the layout of Hugging Face, as a stage reads them: from this disk alone, every file with its digest. */
import {readdirSync, type Dirent} from 'node:fs';
import path from 'node:path';
import {StageError} from '../errors.js';
import type {ModelFile} from '../stage.js';

/**
 * All files of a folder, by their paths inside it.
 *
 * @throws StageError 'bad-model' where there is no such folder, or a file is missing that must be there.
 */
export function modelFolderFiles(folder: string, needed: readonly string[]): ModelFile[] {
  const root = path.resolve(folder);
  const files = entriesOf(root)
    .filter((entry) => (entry.isFile() || entry.isSymbolicLink()) && !entry.name.startsWith('.'))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .map((file) => ({id: path.relative(root, file).split(path.sep).join('/'), path: file}))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const missing = needed.filter((name) => !files.some(({id}) => id === name));
  if (missing.length === 0) return files;
  throw new StageError(
    'bad-model',
    `The model folder ${root} lacks ${missing.join(', ')}. It has ${files.map(({id}) => id).join(', ') || 'no files'}.`,
    'Give a folder with configuration, tokenizer and onnx/ in the layout of Hugging Face.',
  );
}

function entriesOf(root: string): Dirent[] {
  try {
    return readdirSync(root, {recursive: true, withFileTypes: true});
  } catch (cause) {
    const remedy = 'Check modelFolder; a model of Hugging Face must be downloaded or exported first.';
    throw new StageError('bad-model', `The model folder ${root} cannot be read.`, remedy, {cause});
  }
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

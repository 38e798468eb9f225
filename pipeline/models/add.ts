/** Takes a network that the user exported into the folder of models, once it proved to be what its slot wants. */
import {copyFile, mkdir, rename, rm, stat} from 'node:fs/promises';
import path from 'node:path';
import {syncFolder, workspaceError} from '../../cache/publish.js';
import type {CheckedModel} from '../../stages/learning/model-contract.js';
import {openModel} from '../../stages/learning/open-model.js';
import {ModelError} from './errors.js';
import {contractOf, type ModelEntry, type SlotEntry} from './manifest.js';
import {modelFolder, modelPath, writeRecord} from './store.js';

export interface AddedModel {
  readonly path: string;
  readonly sha256: string;
  readonly checked: CheckedModel;
}

/**
 * Copies an ONNX file, or a folder with it and its companions, into a slot, after loading it and checking its contract.
 *
 * @throws ModelError 'not-a-slot' or 'not-found'; StageError 'bad-model'.
 */
export async function addModel(entry: ModelEntry, source: string, folder: string): Promise<AddedModel> {
  if (entry.kind !== 'slot') {
    throw new ModelError(
      'not-a-slot',
      `model '${entry.id}' is published with a known SHA-256, so it cannot be replaced`,
      `Take a copy you have with \`affectflow models pull ${entry.id} --from ${source}\`, or name your own file by its path in the experiment.`,
    );
  }
  const found = await findSources(entry, path.resolve(source));
  // Beside the target, so that the last step is a rename; a folder of its own, because the copy must load without what lay beside the source.
  const aside = `${modelFolder(entry, folder)}.adding-${process.pid}`;
  try {
    for (const [file, location] of found) await copyInto(path.join(aside, file), location);
    const checked = await check(entry, path.join(aside, entry.file));
    await rm(modelFolder(entry, folder), {recursive: true, force: true});
    await rename(aside, modelFolder(entry, folder));
    syncFolder(folder);
    const {files} = await writeRecord(entry, folder);
    return {path: modelPath(entry, folder), sha256: files[0]!.sha256, checked};
  } catch (error) {
    throw workspaceError(error, modelFolder(entry, folder));
  } finally {
    await rm(aside, {recursive: true, force: true});
  }
}

async function check(entry: SlotEntry, file: string): Promise<CheckedModel> {
  const {session, checked} = await openModel(file, {contract: contractOf(entry)});
  await session.release();
  return checked!;
}

/** The network and its companions, from their paths in the slot to where they lie now. */
async function findSources(entry: SlotEntry, source: string): Promise<Map<string, string>> {
  const isFolder = (await stat(source).catch(() => undefined))?.isDirectory() === true;
  const network = isFolder
    ? await firstFile([path.join(source, entry.file), path.join(source, path.basename(entry.file))])
    : await firstFile([source]);
  if (network === undefined) {
    throw new ModelError(
      'not-found',
      isFolder ? `${source} has no ${entry.file}` : `there is no file ${source}`,
      `Give the ONNX file${entry.companions.length === 0 ? '' : `, or the folder with ${[entry.file, ...entry.companions].join(', ')}`}.`,
    );
  }
  const found = new Map([[entry.file, network]]);
  for (const companion of entry.companions)
    found.set(companion, await findCompanion(entry, companion, isFolder ? source : path.dirname(network)));
  return found;
}

/** Beside the network, or where the layout of Hugging Face has it: one folder up. */
async function findCompanion(entry: SlotEntry, companion: string, folder: string): Promise<string> {
  const found = await firstFile([path.join(folder, companion), path.join(folder, '..', companion)]);
  if (found !== undefined) return found;
  throw new ModelError(
    'not-found',
    `model '${entry.id}' needs ${companion} beside its network, and ${folder} has none`,
    `Give a folder with ${[entry.file, ...entry.companions].join(', ')}.`,
  );
}

async function firstFile(candidates: readonly string[]): Promise<string | undefined> {
  for (const file of candidates) if ((await stat(file).catch(() => undefined))?.isFile() === true) return file;
  return undefined;
}

async function copyInto(target: string, source: string): Promise<void> {
  await mkdir(path.dirname(target), {recursive: true});
  await copyFile(source, target);
}

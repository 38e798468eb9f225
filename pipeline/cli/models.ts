import {statSync} from 'node:fs';
import path from 'node:path';
import {counted} from '../counted.js';
import {size} from '../logging/words.js';
import {makeLogger} from '../logging/logger.js';
import type {Emit} from '../events.js';
import {addModel} from '../models/add.js';
import {ModelError} from '../models/errors.js';
import {findModel, knownModels, selectModels, type ModelEntry} from '../models/manifest.js';
import {networkTensors, type NetworkTensor} from '../models/outputs.js';
import {proxyFor} from '../models/proxy.js';
import {pull as pullModel} from '../models/pull.js';
import {checkedSha256, howToGet, locateModel} from '../models/resolve.js';
import {modelPath, modelsFolder, removeModel, stateOf} from '../models/store.js';
import {workspaceFolder} from '../workspace.js';
import {print} from './screen.js';

interface Options {
  readonly workspace?: string;
  readonly models?: string;
}

interface PullCommandOptions extends Options {
  readonly offline: boolean;
  readonly from?: string;
  readonly proxy?: string;
  readonly json: boolean;
}

/** `affectflow models list`: every network this version knows, and whether it is there. */
export async function list(options: Options & {urls: boolean}): Promise<number> {
  const folder = folderOf(options);
  const {models, packs} = knownModels();
  const rows = models.map((entry) => [
    entry.id,
    entry.task,
    sizeOf(entry, folder),
    entry.licence.name,
    stateWord(entry, folder),
  ]);
  print(...leftAligned([['model', 'task', 'size', 'licence', 'state'], ...rows]), '');
  for (const [name, ids] of Object.entries(packs)) print(`${name} stands for ${ids.join(' and ')}.`);
  print(
    `Models are kept in ${folder}.`,
    '`affectflow models pull ID` fetches one that is absent; `list --urls` says how to come by those that are yours to add;',
    '`licences` says what each allows. In an experiment a model is named by its id, or a file of your own by its path.',
  );
  if (options.urls) for (const entry of models) print('', ...addresses(entry));
  return 0;
}

/** `affectflow models licences` */
export async function licences(): Promise<number> {
  for (const {id, licence} of knownModels().models) {
    print(
      `${id}: ${licence.name}; ${licence.commercial ? 'commercial use allowed' : 'no commercial use'}${licence.note === '' ? '' : `. ${licence.note}`}`,
    );
  }
  return 0;
}

/** `affectflow models pull`: exit code 1 where one could not be had. */
export async function pull(ids: readonly string[], options: PullCommandOptions): Promise<number> {
  const entries = selectModels(ids, knownModels());
  refuseOneFileForMany(entries, options.from);
  const transport = {asked: options.proxy, environment: process.env};
  // Checked before anything is fetched, because a mistyped proxy is the user's mistake and not a failed mirror.
  proxyFor(new URL('https://localhost.invalid'), transport);
  const logger = makeLogger({json: options.json});
  try {
    let failed = 0;
    for (const entry of entries) {
      const done = await pullOne(entry, {
        ...options,
        folder: folderOf(options),
        transport,
        emit: (event) => logger.log(event),
      });
      if (!done) failed++;
    }
    return failed === 0 ? 0 : 1;
  } finally {
    logger.close();
  }
}

/** `affectflow models verify`: hashes what is there; exit code 1 where a file is not what it should be. */
export async function verify(ids: readonly string[], options: Options): Promise<number> {
  const folder = folderOf(options);
  let [checked, bad] = [0, 0];
  for (const entry of selectModels(ids, knownModels())) {
    if (ids.length === 0 && stateOf(entry, folder) === 'absent') continue;
    checked++;
    try {
      if (stateOf(entry, folder) === 'absent')
        throw new ModelError('missing-model', `model '${entry.id}' is not there`, howToGet(entry));
      print(`ok   ${entry.id}  ${await checkedSha256(entry, folder, {rehash: true})}`);
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      bad++;
      print(`BAD  ${error.message}`, `     ${error.remedy}`);
    }
  }
  print(`${counted(checked, 'model')} checked, ${bad} bad.`);
  return bad === 0 ? 0 : 1;
}

/** `affectflow models add`: takes a network the user exported. */
export async function add(id: string, file: string, options: Options): Promise<number> {
  const added = await addModel(findModel(id, knownModels()), file, folderOf(options));
  const {batch, sizes} = added.checked;
  const fixed = Object.entries(sizes)
    .filter(([name]) => name !== 'N')
    .map(([name, value]) => `, ${name}: ${value}`)
    .join('');
  print(`added  ${id}  ${added.path}`, `       batch: ${batch}${fixed}  sha256 ${added.sha256}`);
  if (batch !== 'dynamic')
    print(`       It takes exactly ${batch} at a time; exported with a dynamic batch it would be faster.`);
  return 0;
}

/** `affectflow models outputs`: what an experiment may name as `output` of a network. */
export async function outputs(model: string, options: Options & {all: boolean}): Promise<number> {
  const tensors = await networkTensors(locateModel(model, folderOf(options)));
  const shown = tensors.filter(({type, isOutput}) => options.all || isOutput || type === 'float32');
  const rows = shown.map((tensor) => [tensor.name, tensor.operator, shapeOf(tensor), remarkOn(tensor)]);
  print(...leftAligned([['tensor', 'operator', 'type and shape', ''], ...rows]), '');
  const hidden = tensors.length - shown.length;
  if (hidden > 0) print(`And ${hidden} more of other types than float32, which --all shows.`);
  print('Take one by its name, for example with visual-embedding: {onnx: {model: …, output: NAME}}.');
  return 0;
}

/** Columns of words, padded to their widest cell. */
function leftAligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}

function shapeOf({type, shape}: NetworkTensor): string {
  return shape === undefined ? type : `${type} [${shape.join(', ')}]`;
}

function remarkOn({isOutput, isBeforeLastLayer}: NetworkTensor): string {
  if (isOutput) return 'output of the network';
  return isBeforeLastLayer ? 'probably the features before the last layer' : '';
}

/** `affectflow models remove` */
export async function remove(ids: readonly string[], options: Options): Promise<number> {
  for (const entry of selectModels(ids, knownModels())) {
    print(`${removeModel(entry, folderOf(options)) ? 'removed' : 'was not there'}  ${entry.id}`);
  }
  return 0;
}

async function pullOne(
  entry: ModelEntry,
  options: PullCommandOptions & {folder: string; transport: {asked: string | undefined}; emit: Emit},
): Promise<boolean> {
  const task = `pull ${entry.id}`;
  const about = {task, stage: 'models', fingerprint: entry.kind === 'download' ? entry.sha256 : ''};
  const {emit} = options;
  const start = performance.now();
  emit({kind: 'started', ...about, reason: 'it was asked for'});
  try {
    const note = (message: string) => emit({kind: 'warning', task, message});
    const progress = (done: number, total: number) =>
      emit({kind: 'progress', task, done: megabytes(done), total: megabytes(total), unit: 'MB'});
    const {source, path: location} = await pullModel(entry, {...options, note, progress});
    const bytes = statSync(location).size;
    const reason =
      source === undefined ? 'it was asked for; it was there, and is right' : `it was asked for; from ${source}`;
    emit({kind: 'produced', ...about, reason, seconds: (performance.now() - start) / 1000, bytes, notes: {}});
    if (!entry.licence.commercial)
      emit({kind: 'note', message: `${entry.id}: ${entry.licence.name}. ${entry.licence.note}`});
    return true;
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    emit({kind: 'failed', ...about, code: error.code, message: error.message, remedy: error.remedy});
    return false;
  }
}

function refuseOneFileForMany(entries: readonly ModelEntry[], from: string | undefined): void {
  if (from === undefined || entries.length === 1 || from.endsWith('.zip')) return;
  if (statSync(from, {throwIfNoEntry: false})?.isFile() !== true) return;
  throw new ModelError(
    'bad-option',
    `--from names one file, but ${entries.length} models are asked for`,
    'Name a folder, or pull the models one by one.',
  );
}

function folderOf({workspace, models}: Options): string {
  return models === undefined ? modelsFolder(workspaceFolder(workspace)) : path.resolve(models);
}

function sizeOf(entry: ModelEntry, folder: string): string {
  if (entry.kind === 'download') return size(entry.bytes);
  const there = statSync(modelPath(entry, folder), {throwIfNoEntry: false});
  return there === undefined ? '' : size(there.size);
}

function stateWord(entry: ModelEntry, folder: string): string {
  const state = stateOf(entry, folder);
  if (state === 'present') return 'present, unchecked';
  return state === 'absent' && entry.kind === 'slot' ? 'yours to add' : state;
}

function addresses(entry: ModelEntry): string[] {
  if (entry.kind === 'slot') return [`${entry.id}: ${entry.file}`, `  ${howToGet(entry)}`];
  const lines = entry.urls.map((source) =>
    typeof source === 'string' ? `  ${source}` : `  ${source.zip}, member ${source.member}`,
  );
  return [`${entry.id}: ${entry.file}, ${entry.bytes} bytes, sha256 ${entry.sha256}`, ...lines];
}

/** One decimal, for a display. */
function megabytes(bytes: number): number {
  return Math.round(bytes / 1e5) / 10;
}

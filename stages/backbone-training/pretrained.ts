/** Pretrained weights of a network from a file, by the names of its state dict. */
import {readFile} from 'node:fs/promises';
import {StageError} from '../errors.js';
import type {Declaration} from '../learning/layers/declaration.js';
import type {Arrays} from '../learning/program.js';
import {mapKeys} from '../learning/records.js';
import {readSafetensors} from '../learning/safetensors.js';
import type {Network} from './networks/network.js';

/** What wrappers put in front of the names of a network that they hold. */
const WRAPPERS = ['module.', 'backbone.', 'network.', 'model.'];

/**
 * Reads the weights and statistics of a network; what else the file holds, such as a classifier, is left alone. Throws
 * StageError 'bad-weights' where the file is of another kind, lacks a weight, or has one of another shape.
 */
export async function readPretrained(file: string, network: Network): Promise<Arrays> {
  const {weights, statistics} = network.declare();
  const wanted = {...weights, ...statistics};
  const found = unwrapped(await tensorsOf(file, network), Object.keys(wanted));
  const missing = Object.keys(wanted).filter((name) => found[name] === undefined);
  if (missing.length > 0) throw lacking(file, network, missing, Object.keys(wanted).length, found);
  for (const [name, {shape}] of Object.entries(wanted)) checkShape(file, network, name, shape, found[name]!.shape);
  return Object.fromEntries(Object.keys(wanted).map((name) => [name, found[name]!]));
}

async function tensorsOf(file: string, network: Network): Promise<Arrays> {
  const bytes = await readFile(file);
  if (/^.{8}\{"/s.test(bytes.toString('latin1', 0, 16))) return readSafetensors(bytes, file, isFloat).tensors;
  if (/^(PK\x03\x04|\x80[\x02-\x05])/.test(bytes.toString('latin1', 0, 4)))
    throw new StageError('bad-weights', `${file} is a PyTorch file, which only Python can read.`, exportIt(network));
  // Loaded here because declarations are light: with it comes all of tfjs.
  const {importWeights} = await import('../learning/export.js');
  try {
    return importWeights(bytes);
  } catch (cause) {
    const seen = cause instanceof Error ? cause.message : String(cause);
    throw new StageError('bad-weights', `${file} is neither safetensors nor ONNX: ${seen}`, exportIt(network), {cause});
  }
}

/** PyTorch's batch norms count their steps in 64 bits. */
const isFloat = (name: string): boolean => !name.endsWith('.num_batches_tracked');

/** Takes away the wrapper whose absence leaves most of the wanted names. */
function unwrapped(tensors: Arrays, wanted: readonly string[]): Arrays {
  const without = (start: string) =>
    mapKeys(tensors, (name) => (name.startsWith(start) ? name.slice(start.length) : name));
  const hits = (named: Arrays) => wanted.filter((name) => name in named).length;
  return WRAPPERS.map(without).reduce((best, one) => (hits(one) > hits(best) ? one : best), tensors);
}

function checkShape(file: string, network: Network, name: string, expected: Shape, seen: Shape): void {
  if (expected.join() === seen.join()) return;
  throw new StageError(
    'bad-weights',
    `${file}: ${name} has the shape [${seen.join(', ')}], but ${network.title} has [${expected.join(', ')}].`,
    `Give weights of ${network.title}, or another network: backbone-training.network.`,
  );
}

type Shape = Declaration['weights'][string]['shape'];

function lacking(file: string, network: Network, missing: readonly string[], total: number, found: Arrays): StageError {
  const names = Object.keys(found);
  const folded = missing.length < total ? ' Its exporter may have folded some weights into others.' : '';
  return new StageError(
    'bad-weights',
    `${file} lacks ${missing.length} of the ${total} tensors of ${network.title}, such as ${missing[0]!}. ` +
      `It has ${names.slice(0, 3).join(', ') || 'none'}${names.length > 3 ? ` and ${names.length - 3} more` : ''}.${folded}`,
    exportIt(network),
  );
}

/** Scripts in pipeline/models/export that write the weights of a network as safetensors. */
const recipes: Readonly<Record<string, string>> = {
  ir50: 'ir50.py',
  vggish: 'vggish.py',
  'resnet18-audio': 'resnet18_audio.py',
};

function exportIt({name}: Network): string {
  const recipe = recipes[name];
  return recipe === undefined
    ? 'Save the state dict in Python: safetensors.torch.save_file({name: value.float() for …}, file).'
    : `Write the weights as safetensors: python pipeline/models/export/${recipe} --weights … --output … --safetensors FILE`;
}

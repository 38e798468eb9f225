/**
 * The list of pretrained networks this version knows: what each is, where it comes from, what its licence allows and
 * what it reads and writes. `manifest.json` holds only what was verified; what was not is null, and then not checked.
 */
import {z} from 'zod';
import type {ModelContract} from '../../stages/learning/model-contract.js';
import {suggestion} from '../../stages/nearest.js';
import {ModelError} from './errors.js';
import builtIn from './manifest.json' with {type: 'json'};

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits');
const url = z.url({protocol: /^https?$/});
/** A path inside the model's own folder. */
const file = z.string().regex(/^(?!.*\.\.)[\w-][\w./-]*$/, 'expected a relative path');
const shape = z.array(z.union([z.int().positive(), z.string().min(1)])).nullable();
const tensor = {name: z.string().min(1).nullable(), type: z.enum(['float32', 'int64']), shape};

const input = z.strictObject({
  ...tensor,
  layout: z.enum(['NCHW', 'NCTHW', 'NCT', 'NT', 'NL']),
  optional: z.boolean().optional(),
  channels: z.enum(['RGB', 'BGR', 'grey']).optional(),
  range: z.tuple([z.number(), z.number()]).optional(),
  mean: z.array(z.number()).min(1).optional(),
  std: z.array(z.number().positive()).min(1).optional(),
});

const common = {
  id: z.string().regex(/^[a-z0-9][\w.-]*$/),
  task: z.enum([
    'face-detection',
    'face-embedding',
    'facial-expression',
    'clip-embedding',
    'audio-embedding',
    'text-embedding',
    'speech-recognition',
  ]),
  file,
  licence: z.strictObject({name: z.string().min(1), commercial: z.boolean(), note: z.string()}),
  inputs: z.array(input).min(1),
  outputs: z.array(z.strictObject({...tensor, meaning: z.string().min(1)})).min(1),
  /** Parameters beside the one that names the model, by `<stage>.<group>`: what the network wants, as that stage is told. */
  settings: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
  note: z.string(),
};

/** Where a file comes from: its own address, or a member of a zip archive, of which only that member is fetched. */
const source = z.union([url, z.strictObject({zip: url, member: z.string().min(1)})]);

const downloadEntry = z.strictObject({
  ...common,
  kind: z.literal('download'),
  urls: z.array(source).min(1),
  bytes: z.int().positive(),
  sha256,
});
const slotEntry = z.strictObject({
  ...common,
  kind: z.literal('slot'),
  /** Where the network comes from, and how to turn it into the ONNX file wanted here. */
  origin: z.string().min(1),
  /** Script in pipeline/models/export, if one is needed. */
  recipe: z.string().nullable(),
  /** Files that must lie beside the network, such as a tokenizer. */
  companions: z.array(file).default([]),
});

const manifestSchema = z.strictObject({
  version: z.literal(1),
  models: z.array(z.discriminatedUnion('kind', [downloadEntry, slotEntry])).min(1),
  /** Names for several models at once. */
  packs: z.record(z.string(), z.array(z.string()).min(1)).default({}),
});

export type Source = z.output<typeof source>;
export type DownloadEntry = z.output<typeof downloadEntry>;
/** A network that each user exports and provides. */
export type SlotEntry = z.output<typeof slotEntry>;
export type ModelEntry = DownloadEntry | SlotEntry;
export type Manifest = z.output<typeof manifestSchema>;

/** Checks a list of models. Throws ModelError 'bad-manifest' that names the entry and the field. */
export function parseManifest(value: unknown): Manifest {
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) throw badManifest(z.prettifyError(parsed.error));
  const ids = parsed.data.models.map(({id}) => id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index || id in parsed.data.packs);
  if (twice !== undefined) throw badManifest(`'${twice}' is listed twice`);
  const lost = Object.values(parsed.data.packs)
    .flat()
    .find((id) => !ids.includes(id));
  if (lost !== undefined) throw badManifest(`a pack names '${lost}', which is not listed`);
  return parsed.data;
}

let known: Manifest | undefined;

/** The networks this version of Affectflow knows. */
export function knownModels(): Manifest {
  return (known ??= parseManifest(builtIn));
}

/** The entry of an id. Throws ModelError 'unknown-model' that suggests the nearest. */
export function findModel(id: string, manifest: Manifest): ModelEntry {
  const entry = manifest.models.find((model) => model.id === id);
  if (entry !== undefined) return entry;
  throw new ModelError(
    'unknown-model',
    `there is no model '${id}'`,
    suggestion(id, [...manifest.models.map((model) => model.id), ...Object.keys(manifest.packs)]),
  );
}

/** The entries of ids and packs, each once; all of them for no ids. */
export function selectModels(ids: readonly string[], manifest: Manifest): readonly ModelEntry[] {
  if (ids.length === 0) return manifest.models;
  const names = ids.flatMap((id) => (Object.hasOwn(manifest.packs, id) ? manifest.packs[id]! : [id]));
  return [...new Set(names)].map((id) => findModel(id, manifest));
}

/** What the network of an entry reads and writes, as a loaded file is checked against it. */
export function contractOf(entry: ModelEntry): ModelContract {
  return {model: entry.id, inputs: entry.inputs, outputs: entry.outputs};
}

function badManifest(problem: string): ModelError {
  return new ModelError(
    'bad-manifest',
    `the list of models is not valid: ${problem}`,
    'Compare it with pipeline/models/manifest.json.',
  );
}

/**
 * What a stage expects of a network, and the check of it against what ONNX Runtime says of the loaded file. A network
 * of the wrong shape must fail here, by name, and not as a wrong number two stages later.
 */
import type {InferenceSession} from 'onnxruntime-node';
import {StageError} from '../errors.js';

/** A known size, or the name of one that the file or the run decides: 'N' is the batch. */
export type Size = number | string;

export interface TensorContract {
  /** Name in the graph; null where the one tensor on that side is meant, whatever it is called. */
  readonly name: string | null;
  /** Element type, as ONNX Runtime names it. */
  readonly type: string;
  /** null where neither rank nor sizes are fixed. */
  readonly shape: readonly Size[] | null;
}

export interface InputContract extends TensorContract {
  /** Meaning of the axes: N batch, C channels, H rows, W columns, T time or frames, L tokens. */
  readonly layout: string;
  readonly optional?: boolean | undefined;
  readonly channels?: 'RGB' | 'BGR' | 'grey' | undefined;
  /** What black and white are before normalisation, such as [0, 255] or [0, 1]. */
  readonly range?: readonly [number, number] | undefined;
  /** Per channel: the network reads (value − mean) / std, with value in `range`. */
  readonly mean?: readonly number[] | undefined;
  readonly std?: readonly number[] | undefined;
}

export interface OutputContract extends TensorContract {
  readonly meaning: string;
}

export interface ModelContract {
  /** What messages call the model. */
  readonly model: string;
  readonly inputs: readonly InputContract[];
  readonly outputs: readonly OutputContract[];
  /** Parameters of an experiment that say what the network reads, and which output is taken, for remedies. */
  readonly parameters?: Partial<Readonly<Record<Side, string>>>;
}

export type SessionMetadata = Pick<InferenceSession, 'inputMetadata' | 'outputMetadata'>;

/** How a file fills its contract: the names to feed and fetch, and the sizes it fixes. */
export interface CheckedModel {
  /** Rows in one run: a number where the file fixes it (often 1), 'dynamic' where any will do. */
  readonly batch: number | 'dynamic';
  /** Names in the graph, in the order of the contract; undefined for an optional input the file lacks. */
  readonly inputs: readonly (string | undefined)[];
  readonly outputs: readonly string[];
  /** Sizes the contract leaves open and the file fixes, such as T = 8 frames. */
  readonly sizes: Readonly<Record<string, number>>;
}

/**
 * Checks what a session says of itself against a contract.
 *
 * @throws StageError 'bad-model' naming the model, what was expected and everything that was seen.
 */
export function checkContract(session: SessionMetadata, contract: ModelContract): CheckedModel {
  const sides = {input: session.inputMetadata.map(seenTensor), output: session.outputMetadata.map(seenTensor)};
  const check: Check = {model: contract.model, sides, sizes: {}, parameters: contract.parameters ?? {}};
  const inputs = contract.inputs.map((expected) => match(check, 'input', expected, contract.inputs));
  const outputs = contract.outputs.map((expected) => match(check, 'output', expected, contract.outputs)!);
  refuseUnknownInputs(check, inputs);
  const first = inputs[0]?.shape[0];
  return {
    batch: typeof first === 'number' ? first : 'dynamic',
    inputs: inputs.map((seen) => seen?.name),
    outputs: outputs.map((seen) => seen.name),
    sizes: check.sizes,
  };
}

interface SeenTensor {
  readonly name: string;
  readonly type: string;
  /** Empty where the file does not say. Nameless sizes are '?'. */
  readonly shape: readonly Size[];
}

interface Check {
  readonly model: string;
  readonly sides: Readonly<Record<Side, readonly SeenTensor[]>>;
  readonly sizes: Record<string, number>;
  readonly parameters: Partial<Readonly<Record<Side, string>>>;
}

type Side = 'input' | 'output';

function seenTensor(metadata: InferenceSession.ValueMetadata): SeenTensor {
  if (!metadata.isTensor) return {name: metadata.name, type: 'not a tensor', shape: []};
  return {name: metadata.name, type: metadata.type, shape: metadata.shape.map((size) => (size === '' ? '?' : size))};
}

function match(
  check: Check,
  side: Side,
  expected: InputContract | OutputContract,
  all: readonly TensorContract[],
): SeenTensor | undefined {
  const seen = find(check, side, expected, all);
  if (seen === undefined) return undefined;
  if (seen.type !== expected.type) {
    throw mismatch(check, side, seen, expected, `Export it with ${expected.type} ${side}s.`);
  }
  if (expected.shape !== null && seen.shape.length > 0) matchShape(check, side, seen, expected);
  return seen;
}

function find(
  check: Check,
  side: Side,
  expected: InputContract | OutputContract,
  all: readonly TensorContract[],
): SeenTensor | undefined {
  const seen = check.sides[side];
  const claimed = new Set(all.map(({name}) => name));
  const candidates = seen.filter(({name}) => (expected.name === null ? !claimed.has(name) : name === expected.name));
  if (candidates.length === 1) return candidates[0];
  if (candidates.length === 0 && 'optional' in expected && expected.optional === true) return undefined;
  const names = seen.map(({name}) => name);
  const wanted = expected.name === null ? `exactly one ${side}` : `an ${side} '${expected.name}'`;
  const near = expected.name === null ? undefined : nearestName(expected.name, names);
  const choice = names.length > 1 ? check.parameters[side] : undefined;
  throw bad(
    check,
    `expected ${wanted} (${describe(expected)}), found ${names.length === 0 ? 'none' : names.map((name) => `'${name}'`).join(', ')}`,
    choice !== undefined
      ? `Name one of them by ${choice}.`
      : near === undefined
        ? `Export it with ${expected.name === null ? `one ${side}` : `the ${side} named '${expected.name}'`}, as the recipes in pipeline/models/export do.`
        : `Did you mean '${near}'? Export it with the ${side} named '${expected.name!}'.`,
  );
}

function matchShape(check: Check, side: Side, seen: SeenTensor, expected: TensorContract): void {
  const shape = expected.shape!;
  const fits = (axes: readonly Size[]) =>
    axes.length === shape.length &&
    axes.every((size, axis) => typeof size === 'string' || typeof shape[axis] === 'string' || size === shape[axis]);
  if (!fits(seen.shape)) {
    const [batch, ...rest] = seen.shape;
    const channelsLast = seen.shape.length > 2 && fits([batch!, rest.at(-1)!, ...rest.slice(0, -1)]);
    const choice = check.parameters[side];
    const remedy =
      choice !== undefined
        ? `Say by ${choice} what it reads, or export it for ${formatShape(shape)}.`
        : channelsLast
          ? 'Its channels come last; export it with channels first (NCHW).'
          : `Export it for ${formatShape(shape)}, or choose the model whose shape this is.`;
    throw mismatch(check, side, seen, expected, remedy);
  }
  seen.shape.forEach((size, axis) => bind(check, side, seen, expected, {name: shape[axis]!, size}));
}

/** Notes a size the file fixes; one name must have one size everywhere. */
function bind(
  check: Check,
  side: Side,
  seen: SeenTensor,
  expected: TensorContract,
  {name, size}: {name: Size; size: Size},
): void {
  if (typeof name !== 'string' || typeof size !== 'number') return;
  const before = (check.sizes[name] ??= size);
  if (before === size) return;
  throw mismatch(
    check,
    side,
    seen,
    expected,
    `${name} is ${String(before)} elsewhere in the model; export it again with one size for ${name}.`,
  );
}

/** A run must feed every input, so one that nobody knows cannot be used. */
function refuseUnknownInputs(check: Check, used: readonly (SeenTensor | undefined)[]): void {
  const unknown = check.sides.input.find((seen) => !used.includes(seen));
  if (unknown === undefined) return;
  throw bad(
    check,
    `it also wants an input '${unknown.name}', which nothing here provides`,
    'Export it without that input, or with the value built in.',
  );
}

function mismatch(check: Check, side: Side, seen: SeenTensor, expected: TensorContract, remedy: string): StageError {
  return bad(check, `${side} '${seen.name}' is ${describe(seen)}, expected ${describe(expected)}`, remedy);
}

function bad(check: Check, problem: string, remedy: string): StageError {
  const list = (side: Side) => check.sides[side].map((seen) => `${seen.name} ${describe(seen)}`).join(', ');
  const message = `model ${check.model}: ${problem}. The file has inputs: ${list('input')}; outputs: ${list('output')}.`;
  return new StageError('bad-model', message, remedy);
}

function describe({type, shape}: {readonly type: string; readonly shape: readonly Size[] | null}): string {
  return `${type} ${shape === null || shape.length === 0 ? 'of any shape' : formatShape(shape)}`;
}

function formatShape(shape: readonly Size[]): string {
  return `[${shape.join(', ')}]`;
}

/** The name that differs in the fewest places, if that is a third of its letters at most. */
function nearestName(name: string, known: readonly string[]): string | undefined {
  const near = known
    .map((candidate) => ({candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase())}))
    .sort((a, b) => a.distance - b.distance)[0];
  return near !== undefined && near.distance <= Math.max(2, name.length / 3) ? near.candidate : undefined;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({length: b.length + 1}, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      next.push(Math.min(row[j]! + (letter === other ? 0 : 1), row[j + 1]! + 1, next[j]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

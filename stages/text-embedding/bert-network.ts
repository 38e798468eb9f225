/** BERT as an ONNX network: sub-words in, one vector per sub-word out. */
import {StageError} from '../errors.js';
import type {InferenceSession} from 'onnxruntime-node';
import {checkContract, type CheckedModel} from '../learning/model-contract.js';
import {keptSession} from '../learning/kept-sessions.js';
import {openGraph, readGraph, withOutputs} from '../learning/onnx/add-output.js';
import {openModel} from '../learning/open-model.js';
import type {BertParams} from './bert-params.js';
import {hiddenStates, type TransformerConfig} from './hidden-states.js';

export interface BertNetwork extends AsyncDisposable {
  /** Most tokens of one run, start and end included. */
  readonly maxTokens: number;
  /** [L] numbers of sub-words → [L][width] */
  run(pieces: readonly number[]): Promise<Float32Array[]>;
}

const howToExport =
  'Export it with its hidden states: pipeline/models/export/bert.py does so and adds their sum (`python bert.py --weights <name> --output <folder>`).';

export interface BertOptions extends BertParams {
  readonly threads: number;
  readonly padding: number;
  /** What config.json says; undefined where there is none. */
  readonly config: TransformerConfig | undefined;
  /** Called where the layers are none of the network's outputs. */
  readonly foundInside: () => void;
}

/** @throws StageError 'bad-model' where the file cannot be loaded or lacks the layers that are wanted. */
export async function openBert(path: string, bertOptions: BertOptions): Promise<BertNetwork> {
  const {maxTokens, padding} = bertOptions;
  const {Tensor} = await import('onnxruntime-node');
  const {session, chosen} = await openLayers(path, bertOptions);
  const checked = await check(session, path, chosen);
  const fixedLength = checked.sizes['L'];
  const batch = checked.batch === 'dynamic' ? 1 : checked.batch;

  return {
    maxTokens: Math.min(maxTokens, fixedLength ?? maxTokens),
    async run(pieces) {
      const length = fixedLength ?? pieces.length;
      const whole = (values: readonly number[], fill: number) => {
        const data = new BigInt64Array(batch * length).fill(BigInt(fill));
        for (const [index, value] of values.entries()) data[index] = BigInt(value);
        return new Tensor('int64', data, [batch, length]);
      };
      const given = [
        whole(pieces, padding),
        whole(
          pieces.map(() => 1),
          0,
        ),
        whole([], 0),
      ];
      const feeds = Object.fromEntries(
        checked.inputs.flatMap((name, index) => (name === undefined ? [] : [[name, given[index]!]])),
      );
      const results = await session.run(feeds, checked.outputs);
      return sumOf(
        checked.outputs.map((name) => results[name]!),
        {tokenCount: pieces.length, length, path},
      );
    },
    [Symbol.asyncDispose]: () => session.release(),
  };
}

interface OpenedLayers {
  readonly session: InferenceSession;
  /** Names whose values are to be added. */
  readonly chosen: readonly string[];
}

async function openLayers(path: string, {layers, threads, config, foundInside}: BertOptions): Promise<OpenedLayers> {
  const options = {executionProviders: ['cpu'], intraOpNumThreads: threads, interOpNumThreads: 1};
  const {session} = await openModel(path, {options});
  const chosen = chooseOutputs(session.outputNames, layers);
  if (chosen !== undefined) return {session, chosen};
  const outputs = session.outputNames;
  await session.release();
  const inner = await keptSession(path, {...options, inside: layers}, async () => {
    const graph = config && (await readGraph(path));
    const inside = graph?.graph && hiddenStates(graph.graph, config!)?.slice(layers === 'last' ? -1 : -4);
    if (graph === undefined || inside === undefined) throw lacking(outputs, path, config);
    return openGraph(withOutputs(graph, inside, path), path, {options});
  });
  foundInside();
  return {session: inner, chosen: inner.outputNames};
}

async function check(session: InferenceSession, path: string, chosen: readonly string[]): Promise<CheckedModel> {
  try {
    return checkContract(session, {
      model: path,
      inputs: [
        {name: 'input_ids', type: 'int64', shape: ['N', 'L'], layout: 'NL'},
        {name: 'attention_mask', type: 'int64', shape: ['N', 'L'], layout: 'NL', optional: true},
        {name: 'token_type_ids', type: 'int64', shape: ['N', 'L'], layout: 'NL', optional: true},
      ],
      outputs: chosen.map((name) => ({name, type: 'float32', shape: null, meaning: 'one vector per sub-word'})),
    });
  } catch (error) {
    await session.release();
    throw error;
  }
}

/** Outputs whose values are to be added; undefined where the network has none. */
function chooseOutputs(names: readonly string[], layers: BertParams['layers']): string[] | undefined {
  const hidden = names
    .flatMap((name) => {
      const layer = /^hidden_states?[._-]?(\d+)$/.exec(name)?.[1];
      return layer === undefined ? [] : [{name, layer: Number(layer)}];
    })
    .sort((a, b) => a.layer - b.layer)
    .map(({name}) => name);
  if (layers === 'last') {
    if (names.includes('last_hidden_state')) return ['last_hidden_state'];
    return hidden.length > 0 ? hidden.slice(-1) : undefined;
  }
  if (names.includes('last_four_sum')) return ['last_four_sum'];
  return hidden.length >= 4 ? hidden.slice(-4) : undefined;
}

function lacking(names: readonly string[], path: string, config: TransformerConfig | undefined): StageError {
  const seen = `Its outputs are ${names.join(', ')}, and ${
    config === undefined
      ? 'without config.json beside it its layers cannot be found inside'
      : `its layers are not found inside, as they would be in a BERT (config.json says ${String(config.model_type)})`
  }`;
  if (names.includes('last_hidden_state')) {
    const message = `The network ${path} gives its last layer only, but the sum of the last four is wanted. ${seen}.`;
    return new StageError(
      'bad-model',
      message,
      `${howToExport} Or take the last layer: text-embedding.bert.layers: last.`,
    );
  }
  const kind = names.includes('logits')
    ? 'is an export for guessing masked words: it gives scores of words, no features'
    : 'gives no hidden states';
  return new StageError('bad-model', `The network ${path} ${kind}. ${seen}.`, howToExport);
}

/** [batch, length, width] of each layer → the sum, one vector per token of the first row. */
function sumOf(
  results: readonly {readonly dims: readonly number[]; readonly data: unknown}[],
  {tokenCount, length, path}: {tokenCount: number; length: number; path: string},
): Float32Array[] {
  const width = results[0]!.dims[2] ?? 0;
  const vectors = Array.from({length: tokenCount}, () => new Float32Array(width));
  for (const {dims, data} of results) {
    if (dims.length !== 3 || dims[1] !== length || dims[2] !== width || !(data instanceof Float32Array)) {
      const message = `The network ${path} gives values of shape [${dims.join(', ')}], where [1, ${length}, ${width || 'width'}] is expected.`;
      throw new StageError('wrong-shape', message, howToExport);
    }
    vectors.forEach((vector, token) => {
      for (let k = 0; k < width; k++) vector[k]! += data[token * width + k]!;
    });
  }
  return vectors;
}

/**
 * A Whisper with the files and interfaces of the real ones that says the same sentence whenever it hears anything:
 * each token decides the next, and its attention lies where the word is to be.
 */
import {mkdir, writeFile} from 'node:fs/promises';
import path from 'node:path';
import {encodeModel, type GraphProto, type NodeProto} from '../../../stages/learning/onnx/model.js';
import {nodeProto, tensorProto, valueInfo} from '../../../stages/learning/onnx/tensor.js';

export interface Said {
  readonly word: string;
  /** Start in seconds from the start of the chunk, a multiple of 0.02. */
  readonly at: number;
}

export interface TinyWhisper {
  readonly says: readonly Said[];
  /** Where the last word ends. */
  readonly endSeconds: number;
  readonly alignmentHeads?: boolean;
  readonly attentions?: boolean;
  /** Whether the decoder keeps keys and values from step to step, as merged decoders do; each step then reads one token. */
  readonly cache?: boolean;
}

const specials = [
  '<|endoftext|>',
  '<|startoftranscript|>',
  '<|en|>',
  '<|de|>',
  '<|transcribe|>',
  '<|translate|>',
  '<|notimestamps|>',
];
const timestampCount = 1501;
/** Steps of attention: 30 s in steps of 0.02 s. */
const stepCount = 1500;

export async function writeTinyWhisper(folder: string, whisper: TinyWhisper): Promise<string> {
  await mkdir(path.join(folder, 'onnx'), {recursive: true});
  const id = numberTokens(whisper.says);
  const write = (name: string, value: object) => writeFile(path.join(folder, name), JSON.stringify(value));
  await write('config.json', {
    model_type: 'whisper',
    architectures: ['WhisperForConditionalGeneration'],
    is_encoder_decoder: true,
    d_model: 2,
    encoder_layers: 1,
    decoder_layers: 1,
    encoder_attention_heads: 1,
    decoder_attention_heads: 1,
    num_mel_bins: 80,
    max_source_positions: stepCount,
    max_target_positions: 448,
    vocab_size: id.count,
  });
  await write('generation_config.json', {
    decoder_start_token_id: id.of('<|startoftranscript|>'),
    eos_token_id: id.of('<|endoftext|>'),
    pad_token_id: id.of('<|endoftext|>'),
    no_timestamps_token_id: id.of('<|notimestamps|>'),
    is_multilingual: true,
    lang_to_id: {'<|en|>': id.of('<|en|>'), '<|de|>': id.of('<|de|>')},
    task_to_id: {transcribe: id.of('<|transcribe|>'), translate: id.of('<|translate|>')},
    max_initial_timestamp_index: 50,
    max_length: 448,
    ...(whisper.alignmentHeads === false ? {} : {alignment_heads: [[0, 0]]}),
  });
  await write('preprocessor_config.json', {
    feature_extractor_type: 'WhisperFeatureExtractor',
    processor_class: 'WhisperProcessor',
    feature_size: 80,
    sampling_rate: 16_000,
    n_fft: 400,
    hop_length: 160,
    chunk_length: 30,
    n_samples: 480_000,
    nb_max_frames: 3000,
  });
  await write('tokenizer.json', tokenizer(id));
  await write('tokenizer_config.json', {
    tokenizer_class: 'WhisperTokenizer',
    processor_class: 'WhisperProcessor',
    unk_token: '<|endoftext|>',
    eos_token: '<|endoftext|>',
    bos_token: '<|endoftext|>',
  });
  await writeFile(path.join(folder, 'onnx/encoder_model.onnx'), encodeModel(modelOf(encoder())));
  await writeFile(path.join(folder, 'onnx/decoder_model_merged.onnx'), encodeModel(modelOf(decoder(id, whisper))));
  return folder;
}

interface Tokens {
  readonly words: readonly string[];
  readonly count: number;
  readonly firstTimestamp: number;
  of(token: string): number;
}

/** Words first, then the marks in the order of the real ones, then the times. */
function numberTokens(says: readonly Said[]): Tokens {
  const words = says.map(({word}) => bytesAsLetters(` ${word}`));
  const all = [...words, ...specials];
  return {words, count: all.length + timestampCount, firstTimestamp: all.length, of: (token) => all.indexOf(token)};
}

/** GPT-2's byte alphabet, as far as tests need it: printable ASCII stands for itself, other bytes move up by 256. */
function bytesAsLetters(text: string): string {
  const moved = [...Array(256).keys()].filter((byte) => !isPlain(byte));
  return [...Buffer.from(text)]
    .map((byte) => String.fromCodePoint(isPlain(byte) ? byte : 256 + moved.indexOf(byte)))
    .join('');
}

const isPlain = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;

function tokenizer({words, of}: Tokens): object {
  const byteLevel = {type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true};
  return {
    version: '1.0',
    added_tokens: specials.map((content) => ({
      id: of(content),
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      vocab: Object.fromEntries(words.map((word, index) => [word, index])),
      merges: [],
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
    },
  };
}

function modelOf(graph: GraphProto) {
  return {irVersion: 8, opsetImport: [{domain: '', version: 17}], graph: {name: 'graph', ...graph}};
}

const floats = (name: string, shape: readonly number[], values: ArrayLike<number>) =>
  tensorProto(name, {dtype: 'float32', shape, values: Float32Array.from(values)});

/** The loudest band of the chunk at every step. */
function encoder(): GraphProto {
  const integers = (name: string, values: readonly bigint[]) =>
    tensorProto(name, {dtype: 'int64', shape: [values.length], values: BigInt64Array.from(values)});
  return {
    node: [
      nodeProto('ReduceMax', ['input_features'], ['loudest'], {attributes: {axes: [1, 2], keepdims: 1}}),
      nodeProto('Expand', ['loudest', 'shape'], ['last_hidden_state']),
    ],
    initializer: [integers('shape', [1n, BigInt(stepCount), 2n])],
    input: [valueInfo('input_features', 'float32', ['batch', 80, 3000])],
    output: [valueInfo('last_hidden_state', 'float32', ['batch', stepCount, 2])],
  };
}

/** logits[v] = −10 |v − next|, where the next token depends on the present one and on whether anything is heard. */
function decoder(id: Tokens, {says, endSeconds, attentions = true, cache = false}: TinyWhisper): GraphProto {
  const end = id.of('<|endoftext|>');
  const [loud, silent] = [new Float32Array(id.count).fill(end), new Float32Array(id.count).fill(end)];
  const [from, to] = [new Float32Array(id.count), new Float32Array(id.count).fill(stepCount)];
  for (const task of ['<|transcribe|>', '<|translate|>']) loud[id.of(task)] = silent[id.of(task)] = id.firstTimestamp;
  loud[id.firstTimestamp] = 0;
  to[id.firstTimestamp] = (says[0]?.at ?? 0) / 0.02;
  const last = id.firstTimestamp + Math.round(endSeconds / 0.02);
  says.forEach(({at}, index) => {
    loud[index] = index + 1 < says.length ? index + 1 : last;
    from[index] = at / 0.02;
    to[index] = (says[index + 1]?.at ?? endSeconds) / 0.02;
  });
  from[last] = endSeconds / 0.02;
  const steps = Float32Array.from({length: stepCount}, (_, step) => step + 0.5);
  const gathered = (name: string): NodeProto[] => [
    nodeProto('Gather', [name, 'input_ids'], [`${name}Here`]),
    nodeProto('Unsqueeze', [`${name}Here`, 'two'], [`${name}Wide`]),
  ];
  return {
    node: [
      ...['loud', 'silent', 'from', 'to'].flatMap(gathered),
      nodeProto('ReduceMax', ['encoder_hidden_states'], ['loudest'], {attributes: {axes: [1, 2], keepdims: 1}}),
      nodeProto('Greater', ['loudest', 'threshold'], ['heard']),
      nodeProto('Where', ['heard', 'loudWide', 'silentWide'], ['next']),
      nodeProto('Sub', ['numbers', 'next'], ['apart']),
      nodeProto('Abs', ['apart'], ['distance']),
      nodeProto('Mul', ['distance', 'minusTen'], ['logits']),
      nodeProto('Greater', ['steps', 'fromWide'], ['begun']),
      nodeProto('Less', ['steps', 'toWide'], ['unended']),
      nodeProto('And', ['begun', 'unended'], ['inside']),
      nodeProto('Cast', ['inside'], ['attention'], {attributes: {to: 1}}),
      nodeProto('Unsqueeze', ['attention', 'one'], ['cross_attentions.0']),
      ...(cache ? cacheNodes : []),
    ],
    initializer: [
      ...Object.entries({loud, silent, from, to}).map(([name, values]) => floats(name, [id.count], values)),
      floats('numbers', [id.count], [...Array(id.count).keys()]),
      floats('steps', [stepCount], steps),
      floats('threshold', [1], [-1]),
      floats('minusTen', [1], [-10]),
      tensorProto('one', {dtype: 'int64', shape: [1], values: BigInt64Array.of(1n)}),
      tensorProto('two', {dtype: 'int64', shape: [1], values: BigInt64Array.of(2n)}),
      tensorProto('three', {dtype: 'int64', shape: [1], values: BigInt64Array.of(3n)}),
    ],
    input: [
      valueInfo('input_ids', 'int64', ['batch', 'length']),
      valueInfo('encoder_hidden_states', 'float32', ['batch', stepCount, 2]),
      ...(cache ? [...cacheNames('past_key_values').map(cacheTensor), valueInfo('use_cache_branch', 'bool', [1])] : []),
    ],
    output: [
      valueInfo('logits', 'float32', ['batch', 'length', id.count]),
      ...(attentions ? [valueInfo('cross_attentions.0', 'float32', ['batch', 1, 'length', stepCount])] : []),
      ...(cache ? cacheNames('present').map(cacheTensor) : []),
    ],
  };
}

const cacheNames = (prefix: string) =>
  ['decoder', 'encoder'].flatMap((side) => ['key', 'value'].map((kind) => `${prefix}.0.${side}.${kind}`));

/** [batch, heads, tokens so far, width] */
const cacheTensor = (name: string) => valueInfo(name, 'float32', ['batch', 1, `${name}/tokens`, 2]);

/** Remembers the numbers of the tokens; those of the encoder are handed on. */
const cacheNodes: NodeProto[] = [
  nodeProto('Cast', ['input_ids'], ['numbersHere'], {attributes: {to: 1}}),
  nodeProto('Unsqueeze', ['numbersHere', 'one'], ['rowsHere']),
  nodeProto('Unsqueeze', ['rowsHere', 'three'], ['narrow']),
  nodeProto('Concat', ['narrow', 'narrow'], ['wide'], {attributes: {axis: 3}}),
  ...['key', 'value'].flatMap((kind) => [
    nodeProto('Concat', [`past_key_values.0.decoder.${kind}`, 'wide'], [`present.0.decoder.${kind}`], {
      attributes: {axis: 2},
    }),
    nodeProto('Identity', [`past_key_values.0.encoder.${kind}`], [`present.0.encoder.${kind}`]),
  ]),
];

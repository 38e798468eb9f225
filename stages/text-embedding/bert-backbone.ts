/**
 * Word vectors of BERT, as RCMA's preprocessing takes them: sentence by sentence, sub-words averaged to words,
 * punctuation as a token of 1 ms behind its word, the sum of the last four layers.
 */
import {readFile} from 'node:fs/promises';
import {folderOf, localTransformers, requireFiles} from '../learning/model-folder.js';
import {StageError} from '../errors.js';
import {WordCursor} from './alignment.js';
import {openBert, type BertNetwork} from './bert-network.js';
import {bertFiles, type BertParams} from './bert-params.js';
import type {TransformerConfig} from './hidden-states.js';
import type {FrameVectors, Speech} from './lexicon-backbone.js';
import {sentencesOf, type Token} from './sentences.js';

interface Surroundings {
  readonly models: Readonly<Record<string, string>>;
  readonly threads: number;
  readonly signal: AbortSignal;
  warn(message: string): void;
  progress(done: number, total: number, unit: string): void;
  note(key: string, value: string | number): void;
}

export interface Tokeniser {
  readonly encode: (text: string) => readonly number[];
  /** Numbers of the marks before and behind a sentence. */
  readonly start: readonly number[];
  readonly end: readonly number[];
  readonly padding: number;
  readonly unknown: number | undefined;
}

/** Share of unknown sub-words from which on a model does not know the language of the words. */
const unknownShare = 0.2;

/**
 * Reads all words of a clip; the result gives the vector of the word being spoken (start < t ≤ end), zeros elsewhere.
 *
 * @throws StageError 'bad-model' where tokenizer or network cannot be used.
 */
export async function bertVectors(speech: Speech, params: BertParams, context: Surroundings): Promise<FrameVectors> {
  const {models, threads} = context;
  requireFiles(models, bertFiles(params));
  const tokeniser = await openTokeniser(folderOf(models, 'tokenizer.json'));
  await using network = await openBert(models[params.file]!, {
    ...params,
    threads,
    padding: tokeniser.padding,
    config: await readConfig(models['config.json']),
    foundInside: () => context.note('layers', 'found inside the network'),
  });
  const maxPieces = network.maxTokens - tokeniser.start.length - tokeniser.end.length;
  const sentences = sentencesOf(speech, {tokenise: tokeniser.encode, maxPieces});
  warnOfUnknown(sentences, tokeniser, context);
  const spoken: (Token & {vector: Float32Array})[] = [];
  for (const [index, sentence] of sentences.entries()) {
    context.signal.throwIfAborted();
    context.progress(index, sentences.length, 'sentences');
    const vectors = await sentenceVectors(sentence, {network, tokeniser});
    spoken.push(...sentence.map((token, position) => ({...token, vector: vectors[position]!})));
  }
  const zeros = new Float32Array((await network.run([...tokeniser.start, ...tokeniser.end]))[0]!.length);
  // Stable: a mark that begins where the next word does stays before it, so that the word is the later of both.
  spoken.sort((a, b) => a.startSeconds - b.startSeconds);
  const cursor = new WordCursor(spoken);
  return (timeSeconds) => spoken[cursor.advance(timeSeconds)]?.vector ?? zeros;
}

/** undefined where there is no such file, or nothing readable in it: then only the network's outputs can be used. */
async function readConfig(file: string | undefined): Promise<TransformerConfig | undefined> {
  try {
    return file === undefined ? undefined : (JSON.parse(await readFile(file, 'utf8')) as TransformerConfig);
  } catch {
    return undefined;
  }
}

/** One vector per token: the mean over its sub-words. */
async function sentenceVectors(
  sentence: readonly Token[],
  {network, tokeniser: {start, end}}: {network: BertNetwork; tokeniser: Tokeniser},
): Promise<Float32Array[]> {
  const vectors = await network.run([...start, ...sentence.flatMap(({pieces}) => pieces), ...end]);
  let next = start.length;
  return sentence.map(({pieces}) => {
    const own = vectors.slice(next, next + pieces.length);
    next += pieces.length;
    return meanOf(own);
  });
}

function meanOf(vectors: readonly Float32Array[]): Float32Array {
  const sums = new Float64Array(vectors[0]!.length);
  for (const vector of vectors) for (let k = 0; k < sums.length; k++) sums[k]! += vector[k]!;
  return Float32Array.from(sums, (sum) => sum / vectors.length);
}

/** Opens the tokenizer of a folder. Throws StageError 'bad-model'. */
export async function openTokeniser(folder: string): Promise<Tokeniser> {
  const {AutoTokenizer} = await localTransformers();
  const tokenizer = await AutoTokenizer.from_pretrained(folder, {local_files_only: true}).catch((cause: unknown) => {
    const said = cause instanceof Error ? cause.message : String(cause);
    const message = `The tokenizer in ${folder} cannot be read: ${said}`;
    throw new StageError(
      'bad-model',
      message,
      'Save it again with tokenizer.save_pretrained(folder) of Hugging Face transformers.',
      {cause},
    );
  });
  const plain = (text: string) => tokenizer.encode(text, {add_special_tokens: false});
  const marks = tokenizer.encode('');
  return {
    encode: plain,
    start: marks.slice(0, Math.ceil(marks.length / 2)),
    end: marks.slice(Math.ceil(marks.length / 2)),
    padding: tokenizer.pad_token_id ?? 0,
    unknown: tokenizer.unk_token_id,
  };
}

function warnOfUnknown(sentences: readonly Token[][], {unknown}: Tokeniser, context: Surroundings): void {
  const pieces = sentences.flat().flatMap((token) => token.pieces);
  const unknownCount = pieces.filter((piece) => piece === unknown).length;
  if (unknownCount <= unknownShare * pieces.length) return;
  const counts = `${unknownCount} of ${pieces.length} sub-words`;
  context.warn(`The BERT does not know ${counts}: is it one for the language or script of the words?`);
}

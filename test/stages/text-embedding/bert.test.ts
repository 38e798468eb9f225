import {readFile, unlink, writeFile} from 'node:fs/promises';
import path from 'node:path';
import {describe, expect, test} from 'vitest';
import {textEmbedding} from '../../../stages/text-embedding.js';
import {decodeModel, encodeModel, type GraphProto} from '../../../stages/learning/onnx/model.js';
import {nodeProto, tensorProto} from '../../../stages/learning/onnx/tensor.js';
import {openTokeniser} from '../../../stages/text-embedding/bert-backbone.js';
import {sentencesOf} from '../../../stages/text-embedding/sentences.js';
import {runStage} from '../../helpers/run-stage.js';
import {temporaryFolder} from '../../helpers/temporary-folder.js';
import {fixtures, writeTinyBert, type TinyBert} from './tiny-bert.js';

const written = (bert: TinyBert) => writeTinyBert(temporaryFolder(), bert);
/** Layers 0 to 4; the sum of the last four multiplies by 10 and counts the length 4 times. */
const allLayers = {
  'hidden_states.0': [0],
  'hidden_states.1': [1],
  'hidden_states.2': [2],
  'hidden_states.3': [3],
  'hidden_states.4': [4],
  last_hidden_state: [4],
};

/** One word per second, each from its second to half a second later. */
const spoken = (text: string) =>
  text.split(' ').map((word, second) => ({startSeconds: second, endSeconds: second + 0.5, word}));

async function embed(modelFolder: string, text: string, times: readonly number[], more: object = {}) {
  const timeline = times.map((timeSeconds, frameIndex) => ({frameIndex, timeSeconds}));
  const words = text === '' ? [] : spoken(text);
  const params = {backbone: 'bert' as const, bert: {modelFolder, ...more}};
  const {outputs, warnings} = await runStage(textEmbedding, {inputs: {words, timeline}, params});
  return {rows: outputs.linguistic.all.map(({vector}) => [...vector]), warnings};
}

async function numbers(text: string): Promise<readonly number[]> {
  return (await openTokeniser(fixtures)).encode(text);
}

test('sub-words are those of Hugging Face’s tokenizer', async () => {
  const tokeniser = await openTokeniser(fixtures);
  const rows = JSON.parse(await readFile(path.join(fixtures, 'word-pieces.json'), 'utf8')) as {
    text: string;
    numbers: number[];
    whole: number[];
  }[];
  expect(rows.length).toBeGreaterThan(10);
  for (const {text, numbers: expected, whole} of rows) {
    expect(tokeniser.encode(text), text).toEqual(expected);
    expect([...tokeniser.start, ...tokeniser.encode(text), ...tokeniser.end]).toEqual(whole);
    // Word by word they are the same, which is what lets each sub-word know its word.
    expect(
      text
        .split(/\s+/u)
        .filter((word) => word !== '')
        .flatMap((word) => tokeniser.encode(word)),
      text,
    ).toEqual(expected);
  }
});

describe('a frame has the vector of the word being spoken', () => {
  test('start < t ≤ end, zeros elsewhere; sub-words are averaged, layers summed, sentences read by themselves', async () => {
    const folder = await written({outputs: allLayers});
    const [un, happi, ness] = await numbers('unhappiness');
    const [happy] = await numbers('happy');
    // Sentences: [CLS] unhappiness is fun . [SEP] has 8 tokens, [CLS] happy [SEP] has 3.
    const {rows, warnings} = await embed(folder, 'Unhappiness is fun. happy', [0, 0.1, 0.5, 0.6, 3, 3.2]);
    expect(rows).toEqual([
      [0, 0],
      [(10 * (un! + happi! + ness!)) / 3, 32].map(Math.fround),
      [(10 * (un! + happi! + ness!)) / 3, 32].map(Math.fround),
      [0, 0],
      [0, 0],
      [10 * happy!, 12],
    ]);
    expect(warnings).toEqual([]);
  });

  test('punctuation is a token of 1 ms behind its word; an apostrophe belongs to the word', async () => {
    const folder = await written({outputs: {last_four_sum: [1, 2, 3, 4]}});
    const [comma] = await numbers(',');
    const dont = await numbers("don't");
    const {rows} = await embed(folder, "don't, happy", [0.5, 0.5005, 0.502]);
    expect(rows).toEqual([
      [(10 * dont.reduce((sum, n) => sum + n, 0)) / dont.length, 28].map(Math.fround),
      [10 * comma!, 28],
      [0, 0],
    ]);
  });

  test('text in another script is read, and a model that does not know it says so', async () => {
    const folder = await written({outputs: allLayers});
    expect((await embed(folder, '我很好。', [0.2])).warnings).toEqual([]);
    const {rows, warnings} = await embed(folder, '日本語 テスト', [0.2]);
    expect(rows[0]).toEqual([10, 4 * 6]);
    expect(warnings).toEqual([
      'The BERT does not know 4 of 4 sub-words: is it one for the language or script of the words?',
    ]);
  });

  test('a clip without words has zeros of the right length', async () => {
    expect((await embed(await written({outputs: allLayers}), '', [0, 1])).rows).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });

  test('the last layer alone, where that is chosen', async () => {
    const folder = await written({outputs: {last_hidden_state: [4]}, types: false});
    const [happy] = await numbers('happy');
    expect((await embed(folder, 'happy', [0.2], {layers: 'last'})).rows).toEqual([[4 * happy!, 3]]);
  });

  test.each([
    [1, 8],
    [2, 16],
  ])('networks of fixed batch %i and length %i are filled up', async (batch, length) => {
    const folder = await written({outputs: allLayers, shape: [batch, length]});
    const [happy] = await numbers('happy');
    expect((await embed(folder, 'so happy', [1.2])).rows).toEqual([[10 * happy!, 16]]);
  });

  test('long sentences are cut between words', async () => {
    const folder = await written({outputs: allLayers});
    const {rows} = await embed(folder, 'so so so so so so happy', [0.2, 4.2, 6.2], {maxTokens: 5});
    expect(rows.map(([, length]) => length)).toEqual([20, 20, 12]);
  });
});

const realBert = async () => decodeModel(await readFile(path.join(fixtures, 'model.onnx')));

/** A folder with the real BERT of 5 layers and random weights, its graph changed. */
async function realFolder(change: (graph: GraphProto) => GraphProto, config: object = {num_hidden_layers: 5}) {
  const folder = await written({outputs: allLayers});
  const model = await realBert();
  await writeFile(path.join(folder, 'onnx/model.onnx'), encodeModel({...model, graph: change(model.graph!)}));
  await writeFile(path.join(folder, 'config.json'), JSON.stringify({model_type: 'bert', ...config}));
  return folder;
}

/** As most exports are: only the last layer is an output. */
const lastLayerOnly = (graph: GraphProto): GraphProto => ({
  ...graph,
  node: [...graph.node!, nodeProto('Identity', ['hidden_states.5'], ['last_hidden_state'])],
  output: [{...graph.output!.at(-1)!, name: 'last_hidden_state'}],
});

/** As exports before opset 17 are: a normalisation is nine operators. */
const takenApart = (graph: GraphProto): GraphProto => ({
  ...graph,
  node: graph.node!.flatMap((node, index) => {
    if (node.opType !== 'LayerNormalization') return [node];
    const [x, scale, bias] = node.input!;
    const t = (part: string) => `${index}/${part}`;
    return [
      nodeProto('ReduceMean', [x!], [t('mean')], {attributes: {axes: [-1]}}),
      nodeProto('Sub', [x!, t('mean')], [t('rest')]),
      nodeProto('Mul', [t('rest'), t('rest')], [t('square')]),
      nodeProto('ReduceMean', [t('square')], [t('variance')], {attributes: {axes: [-1]}}),
      nodeProto('Add', [t('variance'), 'epsilon'], [t('more')]),
      nodeProto('Sqrt', [t('more')], [t('deviation')]),
      nodeProto('Div', [t('rest'), t('deviation')], [t('unit')]),
      nodeProto('Mul', [t('unit'), scale!], [t('scaled')]),
      nodeProto('Add', [t('scaled'), bias!], node.output!),
    ];
  }),
  initializer: [
    ...graph.initializer!,
    tensorProto('epsilon', {dtype: 'float32', shape: [], values: Float32Array.of(1e-12)}),
  ],
});

test.each([
  ['among its outputs', (graph: GraphProto) => graph],
  ['inside it', lastLayerOnly],
  ['inside an older export', (graph: GraphProto) => takenApart(lastLayerOnly(graph))],
])('vectors are those of Hugging Face’s BERT, computed by PyTorch, with the layers %s', async (_, change) => {
  const folder = await realFolder(change);
  const reference = JSON.parse(await readFile(path.join(fixtures, 'vectors.json'), 'utf8')) as Record<string, number[]>;
  const {rows} = await embed(folder, 'Unhappiness is not fun.', [0.2, 1.2, 2.2, 3.2, 3.5005, 4]);
  const expected = [...Object.values(reference), Array<number>(16).fill(0)];
  // ONNX Runtime and PyTorch sum in other orders; values lie within ±10.
  const furthest = rows.map((row, index) => Math.max(...row.map((value, k) => Math.abs(value - expected[index]![k]!))));
  expect(rows.map(({length}) => length)).toEqual(Array(6).fill(16));
  expect(Math.max(...furthest)).toBeLessThan(1e-4);
});

test('layers inside a network are taken only where it is surely of BERT’s kind', async () => {
  const refused = [{model_type: 'deberta-v2'}, {num_hidden_layers: 6}, {num_hidden_layers: undefined}];
  for (const config of refused) {
    const folder = await realFolder(lastLayerOnly, {num_hidden_layers: 5, ...config});
    await expect(embed(folder, 'happy', [0.2])).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringContaining('its layers are not found inside') as string,
      remedy: expect.stringContaining('layers: last') as string,
    });
  }
  const folder = await realFolder(lastLayerOnly);
  await unlink(path.join(folder, 'config.json'));
  await expect(embed(folder, 'happy', [0.2])).rejects.toMatchObject({
    message: expect.stringContaining('without config.json beside it') as string,
  });
});

test('what is read inside a network is noted', async () => {
  const params = {backbone: 'bert' as const, bert: {modelFolder: await realFolder(lastLayerOnly)}};
  const {notes} = await runStage(textEmbedding, {inputs: {words: spoken('so happy')}, params});
  expect(notes).toEqual({layers: 'found inside the network'});
});

describe('sentences', () => {
  const tokenise = (text: string) => [...text.trim()].map((letter) => letter.codePointAt(0)!);
  const cut = (text: string, maxPieces = 100) => {
    const times = text.split(' ').map((_, second) => ({startSeconds: second, endSeconds: second + 0.5}));
    return sentencesOf({times, words: text.split(' ')}, {tokenise, maxPieces}).map((sentence) =>
      sentence.map(({pieces}) => String.fromCodePoint(...pieces)),
    );
  };

  test('end at marks of several scripts, also in front of a closing quote', () => {
    expect(cut('Hi. "Oh!" 好。 क। b c')).toEqual([
      ['Hi', '.'],
      ['"', 'Oh', '!"'],
      ['好', '。'],
      ['क', '।'],
      ['b', 'c'],
    ]);
  });

  test('a word longer than a sentence may be is cut short', () => {
    expect(cut('abcdef gh', 4)).toEqual([['abcd'], ['gh']]);
  });

  test('words of marks alone keep their time, empty words are left out', () => {
    expect(cut('a – b')).toEqual([['a', '–', 'b']]);
    expect(sentencesOf({times: [{startSeconds: 0, endSeconds: 1}], words: [' ']}, {tokenise, maxPieces: 9})).toEqual(
      [],
    );
  });
});

describe('folders and networks that do not fit are refused by what was seen', () => {
  test.each([
    [{last_hidden_state: [4]}, 'gives its last layer only, but the sum of the last four is wanted', 'layers: last'],
    [{logits: [4]}, 'is an export for guessing masked words', 'bert.py'],
    [{pooler_output: [4]}, 'gives no hidden states. Its outputs are pooler_output', 'bert.py'],
  ])('%o', async (outputs, message, remedy) => {
    const folder = await written({outputs: outputs as unknown as TinyBert['outputs']});
    await expect(embed(folder, 'happy', [0.2])).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringContaining(message),
      remedy: expect.stringContaining(remedy),
    });
  });

  test('a folder that is not there, or lacks a file', async () => {
    await expect(embed(path.join(temporaryFolder(), 'nothing'), 'happy', [0])).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringContaining('It has no files.'),
    });
    const folder = await written({outputs: allLayers});
    await unlink(path.join(folder, 'tokenizer.json'));
    await expect(embed(folder, 'happy', [0])).rejects.toMatchObject({
      message: expect.stringContaining('lacks tokenizer.json'),
    });
  });

  test('a tokenizer that cannot be read', async () => {
    const folder = await written({outputs: allLayers});
    await writeFile(path.join(folder, 'tokenizer.json'), '{"version": ');
    await expect(embed(folder, 'happy', [0])).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringContaining('tokenizer'),
    });
  });
});

test('every file of the folder is declared, also where the network itself is named, but not the notes of checks', async () => {
  const folder = await written({outputs: allLayers});
  await writeFile(path.join(folder, 'record.json'), '{}');
  const files = ['config.json', 'onnx/model.onnx', 'tokenizer.json', 'tokenizer_config.json'];
  for (const modelFolder of [folder, path.join(folder, 'onnx/model.onnx')]) {
    const params = textEmbedding.params.parse({backbone: 'bert', bert: {modelFolder}});
    expect(textEmbedding.models!(params)).toEqual(files.map((id) => ({id, path: path.join(folder, id)})));
  }
});

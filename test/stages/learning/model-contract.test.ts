import {writeFileSync} from 'node:fs';
import path from 'node:path';
import {describe, expect, test} from 'vitest';
import {StageError} from '../../../stages/errors.js';
import type {CheckedModel, ModelContract} from '../../../stages/learning/model-contract.js';
import {openModel} from '../../../stages/learning/open-model.js';
import {decodeModel, encodeModel} from '../../../stages/learning/onnx/model.js';
import {nodeProto} from '../../../stages/learning/onnx/tensor.js';
import {tinyModel, type TinyModel} from '../../pipeline/models/tiny-model.js';
import {temporaryFolder} from '../../helpers/temporary-folder.js';

const folder = temporaryFolder();

const contract: ModelContract = {
  model: 'ir50',
  inputs: [{name: 'input', type: 'float32', shape: ['N', 3, 40, 40], layout: 'NCHW'}],
  outputs: [{name: 'embedding', type: 'float32', shape: ['N', 512], meaning: 'features'}],
};
const right: TinyModel = {
  inputs: [{name: 'input', shape: ['batch', 3, 40, 40]}],
  outputs: [{name: 'embedding', shape: ['batch', 512]}],
};

let count = 0;
function write(bytes: Uint8Array | string): string {
  const file = path.join(folder, `model-${count++}.onnx`);
  writeFileSync(file, bytes);
  return file;
}

async function check(model: TinyModel, expected: ModelContract = contract): Promise<CheckedModel> {
  const {session, checked} = await openModel(write(tinyModel(model)), {contract: expected});
  await session.release();
  return checked!;
}

async function refusal(promise: Promise<unknown>): Promise<{code: string; message: string; remedy: string}> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof StageError)) throw new Error('expected a StageError', {cause: error});
  return {
    code: error.code,
    message: error.message.replace(folder, '…').replace(/model-\d+/, 'model'),
    remedy: error.remedy,
  };
}

describe('a model that fills its contract', () => {
  test('with a named batch is dynamic', async () => {
    expect(await check(right)).toEqual({batch: 'dynamic', inputs: ['input'], outputs: ['embedding'], sizes: {}});
  });

  test('with batch 1 is taken, and says so', async () => {
    const one: TinyModel = {
      inputs: [{name: 'input', shape: [1, 3, 40, 40]}],
      outputs: [{name: 'embedding', shape: [1, 512]}],
    };
    expect(await check(one)).toEqual({batch: 1, inputs: ['input'], outputs: ['embedding'], sizes: {N: 1}});
  });

  test('tells the sizes that the contract leaves open and the file fixes', async () => {
    const clip = {
      ...contract,
      inputs: [{name: 'input', type: 'float32', shape: ['N', 3, 'T', 112, 112], layout: 'NCTHW'}],
    };
    const model = {...right, inputs: [{name: 'input', shape: ['batch', 3, 8, 112, 112]}]};
    expect((await check(model, clip)).sizes).toEqual({T: 8});
  });

  test('may have another name where the contract names none', async () => {
    const nameless = {...contract, outputs: [{...contract.outputs[0]!, name: null}]};
    expect((await check({...right, outputs: [{name: '683', shape: ['batch', 512]}]}, nameless)).outputs).toEqual([
      '683',
    ]);
  });

  test('may have more outputs, and lack an optional input', async () => {
    const text = {
      ...contract,
      inputs: [...contract.inputs, {name: 'types', type: 'int64', shape: ['N', 'L'], layout: 'NL', optional: true}],
    };
    const checked = await check({...right, outputs: [{name: 'logits', shape: ['batch', 8]}, ...right.outputs]}, text);
    expect(checked).toEqual({batch: 'dynamic', inputs: ['input', undefined], outputs: ['embedding'], sizes: {}});
  });
});

describe('a model that does not fill its contract is refused', () => {
  test('for another image size, saying what was expected and all that was seen', async () => {
    expect(await refusal(check({...right, inputs: [{name: 'input', shape: ['batch', 3, 112, 112]}]}))).toEqual({
      code: 'bad-model',
      message:
        "model ir50: input 'input' is float32 [batch, 3, 112, 112], expected float32 [N, 3, 40, 40]. " +
        'The file has inputs: input float32 [batch, 3, 112, 112]; outputs: embedding float32 [batch, 512].',
      remedy: 'Export it for [N, 3, 40, 40], or choose the model whose shape this is.',
    });
  });

  test('for channels that come last', async () => {
    const {remedy} = await refusal(check({...right, inputs: [{name: 'input', shape: ['batch', 40, 40, 3]}]}));
    expect(remedy).toBe('Its channels come last; export it with channels first (NCHW).');
  });

  test('for another rank', async () => {
    const {message} = await refusal(check({...right, inputs: [{name: 'input', shape: ['batch', 4800]}]}));
    expect(message).toContain("input 'input' is float32 [batch, 4800], expected float32 [N, 3, 40, 40]");
  });

  test('for another type', async () => {
    const {message, remedy} = await refusal(check({...right, inputs: [{...right.inputs[0]!, type: 'uint8'}]}));
    expect(message).toContain("input 'input' is uint8 [batch, 3, 40, 40], expected float32");
    expect(remedy).toBe('Export it with float32 inputs.');
  });

  test('for an output of another name, with the nearest', async () => {
    const outputs = [
      {name: 'embeddings', shape: ['batch', 512]},
      {name: 'logits', shape: ['batch', 8]},
    ];
    expect(await refusal(check({...right, outputs}))).toMatchObject({
      message: expect.stringMatching(
        /^model ir50: expected an output 'embedding' \(float32 \[N, 512\]\), found 'embeddings', 'logits'\./,
      ) as string,
      remedy: "Did you mean 'embeddings'? Export it with the output named 'embedding'.",
    });
  });

  test('for two outputs where one without a name is meant', async () => {
    const nameless = {...contract, outputs: [{...contract.outputs[0]!, name: null}]};
    const outputs = [
      {name: 'a', shape: ['batch', 512]},
      {name: 'b', shape: ['batch', 512]},
    ];
    expect((await refusal(check({...right, outputs}, nameless))).message).toContain(
      "expected exactly one output (float32 [N, 512]), found 'a', 'b'",
    );
  });

  test('with the parameters that say otherwise, where there are such', async () => {
    const nameless = {...contract, outputs: [{...contract.outputs[0]!, name: null}]};
    const adjustable = {...nameless, parameters: {input: 'resizeTo', output: 'onnx.output'}};
    const outputs = ['a', 'b'].map((name) => ({name, shape: ['batch', 512]}));
    expect((await refusal(check({...right, outputs}, adjustable))).remedy).toBe('Name one of them by onnx.output.');
    const inputs = [{name: 'input', shape: ['batch', 40, 40, 3]}];
    expect((await refusal(check({...right, inputs}, adjustable))).remedy).toBe(
      'Say by resizeTo what it reads, or export it for [N, 3, 40, 40].',
    );
  });

  test('for an input that nobody feeds', async () => {
    const inputs = [...right.inputs, {name: 'mask', shape: ['batch', 40]}];
    expect((await refusal(check({...right, inputs}))).message).toContain(
      "it also wants an input 'mask', which nothing here provides",
    );
  });

  test('for two sizes of one thing', async () => {
    const outputs = [{name: 'embedding', shape: [4, 512]}];
    const {message, remedy} = await refusal(check({inputs: [{name: 'input', shape: [1, 3, 40, 40]}], outputs}));
    expect(message).toContain("output 'embedding' is float32 [4, 512], expected float32 [N, 512]");
    expect(remedy).toBe('N is 1 elsewhere in the model; export it again with one size for N.');
  });
});

describe('a file that cannot be loaded says what it is', () => {
  const about = async (bytes: Uint8Array | string) => refusal(openModel(write(bytes), {contract}));
  const loading = (problem: string) => `model ir50: …/model.onnx cannot be loaded: ${problem}.`;

  test.each([
    ['', 'it is empty'],
    [
      'version https://git-lfs.github.com/spec/v1\noid sha256:8f23\nsize 232589\n',
      'it is a Git LFS pointer, not the file itself',
    ],
    ['<!DOCTYPE html><html><body>Not found</body></html>', 'it is a web page'],
    ['PK\u0003\u0004 and so on', 'it is a zip archive or a PyTorch file'],
    ['\u0000\u0000\u0000\u0000TFL3 and so on', 'it is a TensorFlow Lite file'],
    ['one two three', 'it is no ONNX file, or was cut short'],
  ])('%j', async (bytes, problem) => {
    expect((await about(bytes)).message).toBe(loading(problem));
  });

  test('a download that was cut short', async () => {
    const whole = tinyModel(right);
    expect((await about(whole.subarray(0, whole.length - 100))).message).toBe(
      loading('it is no ONNX file, or was cut short'),
    );
  });

  test('an opset that is too new', async () => {
    expect(await about(tinyModel({...right, opset: 99}))).toEqual({
      code: 'bad-model',
      message: loading('it uses opset 99; ONNX Runtime knows opsets up to 26'),
      remedy: 'Export it with opset_version=17, or any up to 26.',
    });
  });

  test('a file format that is too new', async () => {
    expect((await about(tinyModel({...right, irVersion: 99}))).message).toBe(
      loading('its IR version is 99; ONNX Runtime knows versions up to 13'),
    );
  });

  test('an operator that does not exist, or is somebody’s own', async () => {
    const unknown = await about(tinyModel({...right, nodes: [nodeProto('FancyRelu', ['input'], ['embedding'])]}));
    expect(unknown.message).toBe(loading('its operator FancyRelu does not exist in opset 17'));
    const own = await about(
      tinyModel({...right, nodes: [nodeProto('Fancy', ['input'], ['embedding'], {domain: 'my.company'})]}),
    );
    expect(own.message).toBe(loading("its operator Fancy of 'my.company' is not part of ONNX"));
  });

  test('weights in a second file that is not there', async () => {
    const model = decodeModel(tinyModel(right));
    const {rawData, ...weights} = model.graph!.initializer![0]!;
    expect(rawData).toBeDefined();
    // Field 14, data_location = EXTERNAL, which the project's own writer never writes.
    const external = {
      ...weights,
      externalData: [{key: 'location', value: 'weights.data'}],
      unknownFields: [Uint8Array.of(14 * 8, 1)],
    };
    const bytes = encodeModel({...model, graph: {...model.graph!, initializer: [external]}});
    expect((await about(bytes)).message).toBe(loading('its weights lie in a second file that is not beside it'));
  });

  test('a path that leads nowhere', async () => {
    const {message} = await refusal(openModel(path.join(folder, 'nothing.onnx'), {contract}));
    expect(message).toContain('cannot be loaded: it cannot be read (ENOENT');
  });
});

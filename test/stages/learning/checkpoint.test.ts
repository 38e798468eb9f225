import {readdir, readFile, writeFile} from 'node:fs/promises';
import path from 'node:path';
import {describe, expect, it} from 'vitest';
import {CheckpointWriter, readCheckpoint, type Checkpoint} from '../../../stages/learning/checkpoint.js';
import {temporaryFolder} from '../../helpers/temporary-folder.js';

const tensors = {w: {shape: [2], values: Float32Array.of(1, NaN)}};

async function write(file: string, checkpoint: Checkpoint<unknown>): Promise<void> {
  const writer = new CheckpointWriter(file);
  await writer.write(checkpoint);
  await writer.finish();
}

describe('checkpoint', () => {
  it('gives back tensors and state, infinities and NaN included, and leaves no other file', async () => {
    const place = temporaryFolder();
    const file = path.join(place, 'model.safetensors');
    const state = {best: -Infinity, curve: [{loss: 0.1, arousal: NaN}], name: 'both', nothing: null};
    await write(file, {tensors, state: {}});
    await write(file, {tensors, state});
    expect(await readCheckpoint(file)).toEqual({tensors, state});
    expect(await readdir(place)).toEqual(['model.safetensors']);
  });

  it('finds nothing where there is no checkpoint or only a torn one', async () => {
    const file = path.join(temporaryFolder(), 'model.safetensors');
    expect(await readCheckpoint(file)).toBeUndefined();
    await write(file, {tensors, state: {}});
    await writeFile(file, (await readFile(file)).subarray(0, -1));
    expect(await readCheckpoint(file)).toBeUndefined();
    expect(await readCheckpoint(file)).toBeUndefined();
  });

  it('writes many tensors of any size, empty ones included', async () => {
    const file = path.join(temporaryFolder(), 'model.safetensors');
    const many = Object.fromEntries(
      Array.from({length: 2100}, (_, i) => [`t${i}`, {shape: [i % 7], values: new Float32Array(i % 7).fill(i)}]),
    );
    await write(file, {tensors: many, state: 1});
    expect(await readCheckpoint(file)).toEqual({tensors: many, state: 1});
  });

  it('is written while its writer goes on, in order, and says later what went wrong', async () => {
    const place = temporaryFolder();
    const writer = new CheckpointWriter<number>(path.join(place, 'model.safetensors'));
    for (const state of [1, 2, 3]) await writer.write({tensors, state});
    await writer.finish();
    expect(await readCheckpoint(writer.path)).toEqual({tensors, state: 3});
    expect(await readdir(place)).toEqual(['model.safetensors']);

    const failing = new CheckpointWriter<number>(path.join(place, 'absent', 'model.safetensors'));
    await failing.write({tensors, state: 1});
    await expect(failing.finish()).rejects.toThrow('ENOENT');
    await expect(failing.write({tensors, state: 2})).rejects.toThrow('ENOENT');
  });
});

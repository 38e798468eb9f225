import {mkdtemp, readdir, readFile, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {describe, expect, it} from 'vitest';
import {readCheckpoint, writeCheckpoint} from '../../../stages/learning/checkpoint.js';

const folder = () => mkdtemp(path.join(tmpdir(), 'checkpoint-'));
const tensors = {w: {shape: [2], values: Float32Array.of(1, NaN)}};

describe('checkpoint', () => {
  it('gives back tensors and state, infinities and NaN included, and leaves no other file', async () => {
    const place = await folder();
    const file = path.join(place, 'model.safetensors');
    const state = {best: -Infinity, curve: [{loss: 0.1, arousal: NaN}], name: 'both', nothing: null};
    await writeCheckpoint(file, {tensors, state: {}});
    await writeCheckpoint(file, {tensors, state});
    expect(await readCheckpoint(file)).toEqual({tensors, state});
    expect(await readdir(place)).toEqual(['model.safetensors']);
  });

  it('finds nothing where there is no checkpoint or only a torn one', async () => {
    const file = path.join(await folder(), 'model.safetensors');
    expect(await readCheckpoint(file)).toBeUndefined();
    await writeCheckpoint(file, {tensors, state: {}});
    await writeFile(file, (await readFile(file)).subarray(0, -1));
    expect(await readCheckpoint(file)).toBeUndefined();
    expect(await readCheckpoint(file)).toBeUndefined();
  });
});

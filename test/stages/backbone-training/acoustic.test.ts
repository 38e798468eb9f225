import {describe, expect, it} from 'vitest';
import {acousticBackboneTraining} from '../../../stages/acoustic-backbone-training.js';
import {patchGeometries} from '../../../stages/acoustic-embedding/network-params.js';
import {patchesAtFrames} from '../../../stages/acoustic-embedding/patches.js';
import {openPatches} from '../../../stages/backbone-training/patches.js';
import {random} from '../../../stages/learning/random.js';
import {labels, logMel, timeline} from '../../../stages/schemas.js';
import {MemoryShard} from '../../helpers/memory-shard.js';
import {runStage} from '../../helpers/run-stage.js';

const view = {left: 0, top: 0, mirrored: false};
const BANDS = 64;

/** Rows of 10 ms; the first is at `start`, which tells the two published spectrograms apart. */
const spectrogram = (count: number, bandsAt: (row: number) => Float32Array, start: number) =>
  new MemoryShard(
    logMel,
    Array.from({length: count}, (_, row) => ({timeSeconds: start + row / 100, bands: bandsAt(row)})),
  );
const noise = (seed: number) => (row: number) => random(seed).stream('bands').at(row).uniform(BANDS, -3, 1);
const frames = (count: number) =>
  new MemoryShard(
    timeline,
    // A frame rate that is not even, as videos of phones have.
    Array.from({length: count}, (_, frameIndex) => ({
      frameIndex,
      timeSeconds: frameIndex / 29.3 + (frameIndex % 3) / 1000,
    })),
  );

describe('patches of a clip', () => {
  it.each(['vggish', 'resnet18'] as const)('of %s are those of acoustic-embedding, read in any order', async (name) => {
    const geometry = patchGeometries[name];
    const [rows, times] = [spectrogram(300, noise(1), name === 'vggish' ? 0.0125 : 0), frames(95)];
    const patches = await openPatches(rows, times, geometry);
    expect(patches.frameCount).toBe(95);
    const size = geometry.rowCount * BANDS;
    const beyond = name === 'vggish' ? Math.log(0.01) : loudest(rows) - 80 / 19.895;
    const expected = patchesAtFrames(rows.rows(), times.rows(), {
      rowCount: geometry.rowCount,
      frameAt: 'start',
      offsetSeconds: geometry.startSeconds,
      beyond,
    });
    for await (const {frameIndex, values} of expected) {
      const seen = new Float32Array(size);
      await patches.write(seen, {first: frameIndex, stride: 1, count: 1}, view);
      const turned = values.map((_, i) => values[(i % geometry.rowCount) * BANDS + Math.floor(i / geometry.rowCount)]!);
      expect(seen).toEqual(name === 'vggish' ? values : turned);
    }
    const [one, many] = [new Float32Array(size), new Float32Array(3 * size)];
    await patches.write(many, {first: 10, stride: 30, count: 3}, view);
    await patches.write(one, {first: 40, stride: 1, count: 1}, view);
    expect(many.subarray(size, 2 * size)).toEqual(one);
  });

  it('are zeros where there is no sound, and refused where the spectrogram is of the other kind', async () => {
    const silent = await openPatches(new MemoryShard(logMel, []), frames(3), patchGeometries.vggish);
    const out = new Float32Array(2 * 96 * BANDS).fill(1);
    await silent.write(out, {first: 0, stride: 1, count: 2}, view);
    expect(out.every((value) => value === 0)).toBe(true);
    const other = spectrogram(20, noise(1), 0);
    await expect(openPatches(other, frames(3), patchGeometries.vggish)).rejects.toMatchObject({code: 'wrong-shape'});
  });
});

const loudest = ({all}: MemoryShard<typeof logMel>): number => Math.max(...all.map(({bands}) => Math.max(...bands)));

/** Valence moves a tone up and down, arousal makes it louder; both change slowly, as a patch spans a second. */
function soundClip(seed: number, frameCount: number) {
  const [phase, otherPhase] = random(seed).stream('clip').at(0).uniform(2, 0, 6.28);
  const valence = (seconds: number) => 0.8 * Math.sin(phase! + 0.9 * seconds);
  const arousal = (seconds: number) => 0.8 * Math.sin(otherPhase! + 0.7 * seconds);
  const bandsAt = (row: number) => {
    const seconds = row / 100 - 0.48;
    const bands = random(seed).stream('bands').at(row).uniform(BANDS, -1, 0);
    const tone = Math.round(32 + 20 * valence(seconds));
    for (let band = tone - 3; band <= tone + 3; band++) bands[band]! += 2 + 2 * arousal(seconds);
    return bands;
  };
  const times = Array.from({length: frameCount}, (_, frameIndex) => ({frameIndex, timeSeconds: frameIndex / 10}));
  return {
    logMel: spectrogram(frameCount * 10 + 100, bandsAt, 0.0125),
    timeline: new MemoryShard(timeline, times),
    labels: new MemoryShard(
      labels,
      times.map(({frameIndex, timeSeconds}) => ({
        frameIndex,
        valence: valence(timeSeconds),
        arousal: arousal(timeSeconds),
        valid: true,
      })),
    ),
  };
}

describe('acoustic-backbone-training', () => {
  it('learns to hear the labels of unseen clips, and embeds every frame', async () => {
    const [train, validation] = [[1, 2, 3, 4].map((seed) => soundClip(seed, 60)), [soundClip(101, 60)]];
    const of = <K extends keyof ReturnType<typeof soundClip>>(key: K) => ({
      train: train.map((clip) => clip[key]),
      validation: validation.map((clip) => clip[key]),
    });
    const params = {
      network: 'vgg-small',
      windowFrames: 20,
      hopFrames: 8,
      frameStride: 2,
      batchSize: 6,
      learningRate: 1e-2,
      warmUp: 'none',
      releaseGroups: 1,
      epochs: 16,
    } as const;
    const inputs = {logMel: of('logMel'), timeline: of('timeline'), labels: of('labels')};
    const {outputs, warnings} = await runStage(acousticBackboneTraining, {inputs, params, seed: 1});
    const best = outputs.curve.all.filter((row) => row.best).at(-1)!;
    expect(best.validationValence).toBeGreaterThan(0.4);
    expect(best.validationArousal).toBeGreaterThan(0.5);
    expect(outputs.tuned.all).toHaveLength(5 * 60);
    expect(outputs.tuned.all.at(-1)).toMatchObject({validation: true, clipIndex: 0, frameIndex: 59});
    expect(outputs.tuned.all[0]!.vector).toHaveLength(16);
    expect(warnings[0]).toContain('acoustic-backbone-training.weights');
  });
});

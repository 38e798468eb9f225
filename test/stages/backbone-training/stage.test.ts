import {beforeAll, describe, expect, it} from 'vitest';
import {backboneTraining} from '../../../stages/backbone-training.js';
import {embedFaces} from '../../../stages/backbone-training/embed-clips.js';
import {networks} from '../../../stages/backbone-training/networks/index.js';
import {releasedNames} from '../../../stages/backbone-training/networks/network.js';
import {temporaryFolder} from '../../helpers/temporary-folder.js';
import {drawnFold, small, tune} from './drawn-fold.js';
import type {Fold, Tuned} from './drawn-fold.js';
import {killedAfter} from '../../helpers/killed.js';
import {probe} from './probe.js';

let fold: Fold;
/** So small that nothing more is learnt from it after some epochs. */
let tiny: Fold;
beforeAll(async () => {
  fold = await drawnFold([50, 40, 45, 50], [30, 35]);
  tiny = await drawnFold([24, 20], [15]);
});

/** The first epoch that is no better releases the next group. */
const quick = {
  learningRate: 0.03,
  minimumLearningRate: 0.02,
  plateauFactor: 0.5,
  plateauPatience: 0,
  releaseGroups: 4,
  epochs: 20,
};
const weightsOf = ({weights}: Pick<Tuned, 'weights'>) => new Map(weights.map(({name, values}) => [name, values]));

const training = {
  folder: import.meta.dirname,
  source: `
    import {drawnFold, tune} from './drawn-fold.js';
    const fold = await drawnFold([24, 20], [15]);
    const onProgress = () => process.stdout.write('epoch\\n');
    await tune({fold, params: {epochs: 8}, scratch: process.argv[2], onProgress});`,
};

describe('backbone-training', () => {
  it('makes vectors from which unseen clips are read far better than from those of the random network', async () => {
    const params = {epochs: 30, releaseGroups: 4, minimumLearningRate: 2e-3, plateauFactor: 0.5, plateauPatience: 3};
    const tuned = await tune({fold, params});
    // A step of next to nothing leaves the network as it began.
    const frozen = await tune({fold, params: {epochs: 1, learningRate: 1e-12, minimumLearningRate: 0}});
    const [after, before] = [probe(tuned.tuned, fold), probe(frozen.tuned, fold)];
    expect(after.valence).toBeGreaterThan(before.valence + 0.2);
    expect(after.valence).toBeGreaterThan(0.6);
    expect(after.arousal).toBeGreaterThan(0.8);
    expect(tuned.warnings).toEqual([
      'IR of three units starts from random weights: backbone-training.weights names no file.',
    ]);
  });

  it('writes one vector of length 1 per frame, training clips first', async () => {
    const {tuned} = await tune({fold, params: {epochs: 1}});
    const counts = [50, 40, 45, 50, 30, 35];
    const expected = counts.flatMap((count, clip) =>
      Array.from({length: count}, (_, k) => [clip >= 4, clip >= 4 ? clip - 4 : clip, k]),
    );
    expect(tuned.map(({validation, clipIndex, frameIndex}) => [validation, clipIndex, frameIndex])).toEqual(expected);
    for (const {vector} of tuned) expect(Math.hypot(...vector)).toBeCloseTo(1, 4);
  });

  it('gives clips that were in no fold the vectors that they would have had in it', async () => {
    const {outputs, tuned} = await tune({fold: tiny, params: {epochs: 1}});
    const settings = backboneTraining.params.parse({...small, epochs: 1});
    const program = {device: 'cpu', threads: 1} as const;
    const clips = await embedFaces(tiny.faces.validation, {weights: outputs.weights, settings, program});
    const expected = tuned.filter(({validation}) => validation).map(({vector}) => [...vector]);
    expect([...(await clips[0]!.column('vector'))]).toEqual(expected.flat());
  });

  it('releases its groups in order, and leaves what is not released as it was, statistics included', async () => {
    const {declare} = networks['ir-small']!;
    const names = [...Object.keys(declare().weights), ...Object.keys(declare().statistics)];
    const run = (params: object) => tune({fold: tiny, params: {...quick, ...params}});
    const {curve} = await run({});
    const released = curve.map(({releasedGroups}) => releasedGroups);
    expect(released).toEqual([...released].sort());
    expect(new Set(released)).toEqual(new Set([1, 2, 3, 4]));
    const start = weightsOf(await tune({fold: tiny, params: {epochs: 1, learningRate: 1e-30}}));
    for (const releaseGroups of [1, 2, 3]) {
      // Until the first epoch with so many groups that is better than those before, so that its weights are kept.
      const until = weightsOf(await run({releaseGroups, epochs: released.lastIndexOf(releaseGroups) + 1}));
      const free = new Set(releasedNames(networks['ir-small']!, releaseGroups, names));
      const changed = names.filter((name) => !Buffer.from(until.get(name)!).equals(Buffer.from(start.get(name)!)));
      expect(changed.filter((name) => !free.has(name))).toEqual([]);
      expect(changed).toContain('output_layer.3.weight');
    }
  });

  it('lets statistics of frozen parts adapt, but no weight of them, where asked to', async () => {
    const start = weightsOf(await tune({fold, params: {epochs: 1, learningRate: 1e-30}}));
    const end = weightsOf(await tune({fold, params: {epochs: 1, frozenStatistics: 'adapting', releaseGroups: 1}}));
    const changed = (name: string) => !Buffer.from(end.get(name)!).equals(Buffer.from(start.get(name)!));
    expect(changed('body.0.res_layer.0.running_mean')).toBe(true);
    expect(changed('body.0.res_layer.1.weight')).toBe(false);
    expect(changed('output_layer.3.weight')).toBe(true);
  });

  it('ends once the last group has had its plateau, and after a release counts on from the best epoch', async () => {
    const {curve, progress} = await tune({fold: tiny, params: {...quick, releaseGroups: 2}});
    expect(curve.length).toBeLessThan(20);
    expect(progress.at(-1)![0]).toBe(curve.length);
    const mean = ({validationValence, validationArousal}: (typeof curve)[number]) =>
      (validationValence + validationArousal) / 2;
    for (const [epoch, row] of curve.entries()) {
      const before = Math.max(-Infinity, ...curve.slice(0, epoch).map(mean));
      expect(row.best).toBe(mean(row) > before);
    }
    const release = curve.findIndex(({releasedGroups}) => releasedGroups === 2);
    expect(curve[release - 1]!.best).toBe(false);
    expect(curve[release]!.learningRate).toBe(0.03);
  });

  it('gives equal bytes for equal seeds, and others for another seed', async () => {
    const params = {epochs: 2};
    const [first, second, other] = [
      await tune({fold, params}),
      await tune({fold, params}),
      await tune({fold, params, seed: 2}),
    ];
    expect(second.digests).toEqual(first.digests);
    for (const [name, digest] of Object.entries(other.digests)) expect(digest).not.toBe(first.digests[name]);
  });

  it('continues after it was stopped, in each phase, and ends with the bytes of a run that was not', async () => {
    const params = {...quick, epochs: 11, headDropout: 0.1};
    const whole = await tune({fold: tiny, params});
    const released = whole.curve.map(({releasedGroups}) => releasedGroups);
    for (const abortAfter of [2, released.indexOf(2), released.indexOf(2) + 1]) {
      const scratch = temporaryFolder();
      await expect(tune({fold: tiny, params, scratch, abortAfter})).rejects.toThrow('aborted');
      const resumed = await tune({fold: tiny, params, scratch});
      expect(resumed.progress[0]![0]).toBe(abortAfter + 1);
      expect(resumed.digests).toEqual(whole.digests);
    }
  });

  it('continues after kill -9 in the middle of an epoch, and ends with the same bytes', async () => {
    const scratch = temporaryFolder();
    const done = await killedAfter(training, scratch, 3);
    const resumed = await tune({fold: tiny, params: {epochs: 8}, scratch});
    expect(resumed.progress[0]![0]).toBeGreaterThan(1);
    expect(resumed.progress[0]![0]).toBeLessThanOrEqual(done + 1);
    const whole = await tune({fold: tiny, params: {epochs: 8}});
    expect(resumed.digests).toEqual(whole.digests);
  });

  it('trains for one emotion alone, and reads every n-th frame, where asked to', async () => {
    const {curve, tuned, weights} = await tune({fold, params: {epochs: 1, targets: 'arousal', frameStride: 3}});
    expect([curve[0]!.validationValence, Number.isFinite(curve[0]!.validationArousal)]).toEqual([NaN, true]);
    expect(weights.find(({name}) => name === 'head.weight')!.shape).toBe('[1,32]');
    expect(tuned).toHaveLength(250);
  });

  it('says which clips lack labels, and which network has fewer groups than are to be released', async () => {
    const none = await drawnFold([20], [20], {annotated: false});
    await expect(tune({fold: none})).rejects.toMatchObject({code: 'no-valid-labels'});
    const {error} = backboneTraining.params.safeParse({network: 'ir50', releaseGroups: 4});
    expect(error!.issues[0]!.message).toBe("network 'ir50' has 3 parts to release");
    expect(backboneTraining.params.safeParse({network: 'vggish'}).success).toBe(false);
  });
});

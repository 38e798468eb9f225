/** `affectflow export`, through the whole command. */
import {readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {beforeAll, describe, expect, it} from 'vitest';
import {makeDemoDataset} from '../../pipeline/datasets/demo/demo-dataset.js';
import {decodeModel} from '../../stages/learning/onnx/model.js';
import {readSafetensors} from '../../stages/learning/safetensors.js';
import {affectflow} from '../helpers/command.js';
import {temporaryFolder} from '../helpers/temporary-folder.js';

const EXPERIMENT = `
name: small
dataset: {videos: videos, annotations: annotations, transcripts: transcripts, subjects: subjects.csv}
folds: {kind: subjects, count: 2}
stages:
  fusion-training: {windowFrames: 20, hopFrames: 10, epochs: 1, minimumEpochs: 1, architecture: {linguisticChannels: [8]}}
systems: [text]
`;

const folder = temporaryFolder();
beforeAll(async () => {
  await makeDemoDataset({folder, seed: 3, subjectCount: 2, clipsPerSubject: 1, secondsPerClip: 3, frameRateHz: 10});
  writeFileSync(path.join(folder, 'e.yaml'), EXPERIMENT);
}, 120_000);

const write = (...args: string[]) => affectflow(['export', 'e.yaml', '--system', 'text', ...args], folder);

describe('affectflow export', () => {
  it('says what to run where nothing was trained', () => {
    const {code, err} = write('--onnx', 'text.onnx');
    expect(code).toBe(2);
    expect(err).toMatch(/has not run with these parameters\n {2}Run it first: affectflow run/);
  }, 60_000);

  it('writes the best fold as an ONNX file and its weights as safetensors, both with what made them', () => {
    expect(affectflow(['run', 'e.yaml'], folder).code).toBe(0);
    const {code, out} = write('--onnx', 'text.onnx', '--safetensors', 'text.safetensors', '--windows', '3');
    expect(code).toBe(0);
    const [, fold] = /^'text', fold (\d), seed 0:$/m.exec(out)!;

    const model = decodeModel(readFileSync(path.join(folder, 'text.onnx')));
    const facts = Object.fromEntries(model.metadataProps!.map(({key, value}) => [key, value]));
    expect(facts).toMatchObject({system: 'text', preset: 'published', fold, seed: '0', experiment: 'small'});
    expect(JSON.parse(facts['features']!)).toMatchObject({linguistic: {stage: 'text-embedding', models: []}});
    expect(Object.keys(JSON.parse(facts['validationCcc']!) as object).sort()).toEqual(['arousal', 'valence']);
    expect(model.graph!.output!.map(({name}) => name)).toEqual(['valence', 'arousal']);
    expect(affectflow(['lineage', 'show', facts['training']!], folder).code).toBe(0);

    for (const name of ['valence', 'arousal']) {
      const file = `text-${name}.safetensors`;
      expect(out).toContain(file);
      const {tensors, metadata} = readSafetensors(readFileSync(path.join(folder, file)), file);
      expect(metadata).toMatchObject({...facts, model: name});
      expect(tensors).toHaveProperty(['normalisation/linguistic/mean']);
    }
  }, 120_000);

  it('refuses folds, seeds and systems that the experiment does not have', () => {
    expect(write('--onnx', 'x.onnx', '--fold', '7').err).toContain("there is no fold '7'");
    expect(write('--onnx', 'x.onnx', '--seed', '5').err).toContain('Known: 0.');
    expect(write().err).toContain('--onnx FILE');
    expect(affectflow(['export', 'e.yaml', '--system', 'tezt', '--onnx', 'x'], folder).err).toContain("'text'");
  }, 60_000);
});

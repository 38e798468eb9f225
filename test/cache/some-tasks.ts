import type {Digest} from '../../cache/digest.js';
import {digestOfText} from '../../cache/digest.js';
import type {TaskManifest} from '../../cache/manifest.js';

/** The digest that stands for a thing of a test, such as 'video a'. */
export const digestFor = (name: string): Digest => digestOfText(name);

/** A task named in words: 'visual a' is the stage 'visual' of clip 'a'; it writes the shard of the same name. */
export function task(name: string, inputs: readonly string[], changes: Partial<TaskManifest> = {}): TaskManifest {
  const [stage = '', clip] = name.split(' ');
  return {
    format: 1,
    fingerprint: digestFor(`fingerprint ${name}`),
    stage,
    identity: 'version 1',
    params: {size: 3},
    seed: null,
    inputs: inputs.map((input) => ({name: input.split(' ')[0]!, digest: digestFor(input)})),
    models: [],
    outputs: [{name: stage, kind: stage, digest: digestFor(name), rows: 10, bytes: 1000}],
    subject: clip === undefined ? {} : {clip},
    warnings: [],
    notes: {},
    startedAt: '2026-11-21T10:00:00.000Z',
    seconds: 1.5,
    machine: {host: 'here', platform: 'linux', node: 'v20', versions: {}},
    ...changes,
  };
}

/** Two clips through two stages, trained on in one fold; the clips' words are equal because both are silent. */
export const someTasks: readonly TaskManifest[] = [
  ...['a', 'b'].flatMap((clip) => [
    task(`faces ${clip}`, [`video ${clip}`], {models: [{id: 'detector', digest: digestFor('detector')}]}),
    task(`words ${clip}`, [`transcript ${clip}`], {
      outputs: [{name: 'words', kind: 'words', digest: digestFor('no words'), rows: 0, bytes: 500}],
    }),
    task(`text ${clip}`, ['no words']),
  ]),
  task('training', [], {
    seed: 1,
    subject: {fold: '0', system: 'rcma'},
    inputs: ['a', 'b'].flatMap((clip, index) => [
      {name: `train/faces[${index}]`, digest: digestFor(`faces ${clip}`), clip},
      {name: `train/text[${index}]`, digest: digestFor(`text ${clip}`), clip},
    ]),
  }),
];

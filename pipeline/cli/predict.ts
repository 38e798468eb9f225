import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {counted} from '../counted.js';
import {predictWithBestFolds, type Ensemble} from '../ensemble.js';
import {UsageError} from '../errors.js';
import {loadExperiment, type Experiment} from '../experiment.js';
import {submissionText} from '../submission.js';
import {openWorkspace, workspaceFolder} from '../workspace.js';
import type {CommonOptions} from './options.js';
import {exitCode, runWith} from './run.js';
import {print} from './screen.js';

interface PredictOptions extends CommonOptions {
  readonly system: string;
  readonly best: number;
  readonly clips?: string;
  readonly output: string;
  readonly submission?: string;
  readonly sample?: string;
}

/**
 * `affectflow predict`: extracts the features of clips, and predicts them by the best folds of a system: one text file
 * per clip in the form of the annotations, and the file that the ABAW challenges take.
 */
export async function predict(file: string, options: PredictOptions): Promise<number> {
  const {system, best, output, submission, set, workspace: asked} = options;
  const experiment = loadExperiment(file, set);
  const clips = options.clips ?? testClips(experiment);
  const sample = sampleText(options);
  const extraction = await runWith(experiment, {...options, clips, device: 'auto', json: false});
  const goesOn = extraction.status === 'failed' && experiment.config.onFailedClip === 'exclude';
  if (extraction.status !== 'ok' && !goesOn) return exitCode(extraction);
  const workspace = openWorkspace(workspaceFolder(asked), 'read');
  try {
    const program = {device: 'cpu', threads: 1} as const;
    const ensemble = await predictWithBestFolds(experiment, workspace, {system, best, clips, ...program});
    mkdirSync(output, {recursive: true});
    for (const clip of ensemble.clips) writeFileSync(path.join(output, `${clip.clip}.txt`), textOf(clip));
    if (submission !== undefined) writeFileSync(submission, submissionText(ensemble.clips, sample));
    const folds = ensemble.folds.map(({fold, ccc}) => `${fold} (validation CCC ${ccc.toFixed(3)})`);
    print(
      `${counted(ensemble.clips.length, 'clip')} predicted in ${output} by '${system}', fold${folds.length === 1 ? '' : 's'} ${folds.join(', ')}.`,
    );
    if (submission !== undefined) print(`All in one file: ${submission}`);
    for (const {clip, because} of ensemble.leftOut) print(`Not predicted: ${clip}, because ${because}`);
    return exitCode(extraction);
  } finally {
    workspace.close();
  }
}

function testClips({dataset, file}: Experiment): string[] {
  const clips = dataset.clips.filter(({part}) => part === 'test').map(({name}) => name);
  if (clips.length > 0) return clips;
  throw new UsageError(
    'nothing-selected',
    `${file} has no clips of a test part`,
    'Give dataset.test a file that lists them, a name per line, or choose clips with --clips.',
  );
}

/** Read before anything is computed. */
function sampleText({sample, submission}: PredictOptions): string | undefined {
  if (sample === undefined) return undefined;
  if (submission === undefined)
    throw new UsageError(
      'bad-option',
      '--sample without --submission',
      'Say with --submission where the file is written.',
    );
  if (!existsSync(sample))
    throw new UsageError('bad-option', `--sample ${sample}: there is no such file`, 'Correct the path.');
  return readFileSync(sample, 'utf8');
}

/** A header and one line per frame, as Aff-Wild2 has it. */
function textOf({valence, arousal}: Ensemble['clips'][number]): string {
  const lines = Array.from(valence, (value, frame) => `${value.toFixed(6)},${arousal[frame]!.toFixed(6)}`);
  return ['valence,arousal', ...lines, ''].join('\n');
}

import {mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {predictWithBestFolds, type Ensemble} from '../ensemble.js';
import {loadExperiment} from '../experiment.js';
import {openWorkspace, workspaceFolder} from '../workspace.js';
import type {CommonOptions} from './options.js';
import {print} from './screen.js';

interface PredictOptions extends CommonOptions {
  readonly system: string;
  readonly best: number;
  readonly clips: string;
  readonly output: string;
}

/** `affectflow predict`: one text file per clip, in the form of the annotations, by the best folds of a system. */
export async function predict(
  file: string,
  {system, best, clips, output, set, workspace: asked}: PredictOptions,
): Promise<number> {
  const experiment = loadExperiment(file, set);
  const workspace = openWorkspace(workspaceFolder(asked), 'read');
  try {
    const ensemble = await predictWithBestFolds(experiment, workspace, {
      system,
      best,
      clips,
      device: 'cpu',
      threads: 1,
    });
    mkdirSync(output, {recursive: true});
    for (const clip of ensemble.clips) writeFileSync(path.join(output, `${clip.clip}.txt`), textOf(clip));
    const folds = ensemble.folds.map(({fold, ccc}) => `${fold} (validation CCC ${ccc.toFixed(3)})`);
    print(`${ensemble.clips.length} clips predicted in ${output} by '${system}', folds ${folds.join(', ')}.`);
    return 0;
  } finally {
    workspace.close();
  }
}

/** A header and one line per frame, as Aff-Wild2 has it. */
function textOf({valence, arousal}: Ensemble['clips'][number]): string {
  const lines = Array.from(valence, (value, frame) => `${value.toFixed(6)},${arousal[frame]!.toFixed(6)}`);
  return ['valence,arousal', ...lines, ''].join('\n');
}

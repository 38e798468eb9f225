/** The demonstration: a drawn data set and an experiment of small dimensions on it, written as files to start from. */
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {makeDemoDataset} from './datasets/demo/demo-dataset.js';
import {packageRoot} from './package-root.js';

/** Experiments that are written for the demonstration, and the file each becomes. */
export const demoExperiments = {
  demo: 'experiment.yaml',
  'all-systems': 'all-systems.yaml',
  gating: 'gating.yaml',
} as const;
export type DemoExperiment = keyof typeof demoExperiments;

/** Long enough to learn from, short enough that the whole demonstration ends within three minutes on two cores. */
const SECONDS_PER_CLIP = 20;

export interface DemoOptions {
  readonly folder: string;
  readonly seed: number;
  readonly experiment: DemoExperiment;
  /** Whether the voice contradicts the face in a share of the clips. */
  readonly weaklyComplementary: boolean;
  /** Told what is being made, in lines for a person. */
  tell(line: string): void;
}

/** Makes the data set unless it is there, and the experiment file unless the user has edited it; returns its path. */
export async function makeDemo({folder, seed, experiment, weaklyComplementary, tell}: DemoOptions): Promise<string> {
  mkdirSync(folder, {recursive: true});
  tell(`Making drawn faces with synthetic speech in ${folder} …`);
  const clock = performance.now();
  const {clips, made} = await makeDemoDataset({
    folder,
    seed,
    weaklyComplementary,
    secondsPerClip: SECONDS_PER_CLIP,
    progress: (done, total) => done % 8 === 0 && done < total && tell(`  ${done} of ${total} clips`),
  });
  const seconds = ((performance.now() - clock) / 1000).toFixed(1);
  tell(made ? `${clips.length} clips made in ${seconds} s.` : `${clips.length} clips are there already.`);
  const file = path.join(folder, demoExperiments[experiment]);
  if (!existsSync(file)) {
    writeFileSync(file, readFileSync(path.join(packageRoot, 'pipeline/experiments', `${experiment}.yaml`), 'utf8'));
  }
  return file;
}

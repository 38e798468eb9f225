/** The demonstration: a drawn data set and an experiment of small dimensions on it, written as files to start from. */
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {makeDemoDataset} from './datasets/demo/demo-dataset.js';
import {packageRoot} from './package-root.js';

export interface DemoOptions {
  readonly folder: string;
  readonly seed: number;
  /** Told what is being made, in lines for a person. */
  tell(line: string): void;
}

/** Makes the data set unless it is there, and the experiment file unless the user has edited it; returns its path. */
export async function makeDemo({folder, seed, tell}: DemoOptions): Promise<string> {
  mkdirSync(folder, {recursive: true});
  tell(`Making drawn faces with synthetic speech in ${folder} …`);
  const clock = performance.now();
  const {clips, made} = await makeDemoDataset({folder, seed});
  const seconds = ((performance.now() - clock) / 1000).toFixed(1);
  tell(made ? `${clips.length} clips made in ${seconds} s.` : `${clips.length} clips are there already.`);
  const file = path.join(folder, 'experiment.yaml');
  if (!existsSync(file))
    writeFileSync(file, readFileSync(path.join(packageRoot, 'pipeline/experiments/demo.yaml'), 'utf8'));
  return file;
}

/** Settings under `stages:` that change nothing, because no system of the experiment leads to their stage. */
import type {Plan} from './plan.js';

/** Stages that a system reads from, or does not, as `fusion-training.visual` and `.acoustic` say. */
const asked: Readonly<Record<string, string>> = {
  'backbone-training': 'visual: fine-tuned',
  'acoustic-backbone-training': 'acoustic: fine-tuned',
};

/** A remark for each stage that has settings and no task in the plan of a whole experiment. */
export function unusedSettings({experiment, tasks}: Plan): string[] {
  const used = new Set(tasks.map(({stage}) => stage));
  return Object.keys(experiment.config.stages)
    .filter((stage) => !used.has(stage))
    .map((stage) => `stages.${stage} is not used: ${reason(stage, used)}`);
}

function reason(stage: string, used: ReadonlySet<string>): string {
  const param = asked[stage];
  if (param !== undefined)
    return `no system asks for it; write fusion-training: {${param}} under stages, or ${param} at a system that has this modality`;
  const modality = {'visual-embedding': 'visual', 'acoustic-embedding': 'acoustic'}[stage];
  const tuned = Object.keys(asked).find((one) => asked[one] === `${modality}: fine-tuned`);
  if (modality !== undefined && used.has(tuned!))
    return `every system fine-tunes its ${modality} backbone; write ${modality}: frozen at those that should not`;
  return `no system reads what it makes; name one under systems that does, or take stages.${stage} away`;
}

/** Settings under `stages:` that change nothing, because no system of the experiment leads to their stage. */
import type {Plan} from './plan.js';

/** Stages of which a system reads one or the other, as its parameter of that name says. */
const choices = [
  {modality: 'visual', frozen: 'visual-embedding', tuned: 'backbone-training'},
  {modality: 'acoustic', frozen: 'acoustic-embedding', tuned: 'acoustic-backbone-training'},
];

/** A remark for each stage that has settings and no task in the plan of a whole experiment. */
export function unusedSettings({experiment, tasks}: Plan): string[] {
  const used = new Set(tasks.map(({stage}) => stage));
  return Object.keys(experiment.config.stages)
    .filter((stage) => !used.has(stage))
    .map((stage) => `stages.${stage} is not used: ${reason(stage, used)}`);
}

function reason(stage: string, used: ReadonlySet<string>): string {
  const choice = choices.find(({frozen, tuned}) => stage === frozen || stage === tuned);
  if (stage === choice?.tuned) {
    const param = `${choice.modality}: fine-tuned`;
    return `no system asks for it; write fusion-training: {${param}} under stages, or ${param} at a system that has this modality`;
  }
  if (choice !== undefined && used.has(choice.tuned))
    return `every system fine-tunes its ${choice.modality} backbone; write ${choice.modality}: frozen at those that should not`;
  return `no system reads what it makes; name one under systems that does, or take stages.${stage} away`;
}

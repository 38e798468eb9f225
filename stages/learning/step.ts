/** What a compiled step is made from, and the rule that its state keeps its form. */
import type {Arrays, Step, TensorSpec, TensorSpecs} from './program.js';
import {StageError} from '../errors.js';

export interface StepDeclaration {
  readonly step: Step;
  /** Weights, moments, statistics and counters before the first step. */
  readonly state: Arrays;
  readonly batch: TensorSpecs;
}

interface Form {
  readonly shape: readonly number[];
  readonly dtype: string;
}

/** The next state must be able to take the place of the state. Throws StageError 'wrong-shape'. */
export function checkState(before: TensorSpecs, after: Readonly<Record<string, Form>>): void {
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, next] = [describe(before[name]), describe(after[name])];
    if (old === next) continue;
    throw new StageError(
      'wrong-shape',
      `Training step: state ${name} ${old} before the step and ${next} after it.`,
      'Return every entry of the state, with its shape and type unchanged.',
    );
  }
}

/** What a program is given must be what it was compiled for. Throws StageError 'wrong-shape'. */
export function checkArrays(what: string, expected: TensorSpecs, given: Readonly<Record<string, TensorSpec>>): void {
  for (const name of new Set([...Object.keys(expected), ...Object.keys(given)])) {
    const [wanted, seen] = [describe(expected[name]), describe(given[name])];
    if (wanted === seen) continue;
    throw new StageError(
      'wrong-shape',
      `${what}: ${name} ${seen}, but the program was compiled where it ${wanted}.`,
      'Compile the program for these shapes, or pad the arrays to the compiled ones.',
    );
  }
}

function describe(form: Form | undefined): string {
  return form === undefined ? 'is absent' : `is ${form.dtype} [${form.shape.join(', ')}]`;
}

/** A program whose step is a graph: its state lies in a store, and a call of the graph takes one step or several. */
import type {InferenceSession} from 'onnxruntime-node';
import type {Provider} from './onnx/session.js';
import type {Arrays, Program} from './program.js';
import {specsOf} from './records.js';
import type {StateStore} from './state.js';
import {checkArrays} from './step.js';
import type {StepDeclaration} from './step.js';

export interface Parts {
  readonly declaration: StepDeclaration;
  readonly provider: Provider;
  readonly reason: string;
  readonly session: InferenceSession;
  readonly store: StateStore;
  /** Runs the graph once: one step on each batch, which moves the state on; returns the outputs of each. */
  readonly take: (batches: readonly Arrays[]) => Promise<Arrays[]>;
  /** Absent where a call takes one step. */
  readonly stepsPerCall?: number;
}

export function tracedProgram({declaration, provider, reason, session, store, take, stepsPerCall}: Parts): Program {
  // The program outlives the declaration, whose arrays are as large as its own.
  const [stateSpecs, batchSpecs] = [specsOf(declaration.state), declaration.batch];
  const runSteps = async (batches: readonly Arrays[]): Promise<Arrays[]> => {
    for (const batch of batches) checkArrays('Batch', batchSpecs, specsOf(batch));
    return take(batches);
  };
  return {
    device: provider,
    reason,
    run: async (batch) => (await runSteps([batch]))[0]!,
    ...(stepsPerCall !== undefined && {stepsPerCall, runSteps}),
    state: () => store.read(),
    load: async (state) => {
      checkArrays('State', stateSpecs, specsOf(state));
      await store.load(state);
    },
    release: async () => {
      await store.release();
      await session.release();
    },
  };
}

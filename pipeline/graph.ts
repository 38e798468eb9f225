/** The stages as a graph: an input that is a shard schema is an edge from the stage that writes that kind. */
import {isFileInput, type Stage} from '../stages/stage.js';
import {UsageError} from './errors.js';
import {suggestion} from '../stages/nearest.js';

export class Graph {
  readonly #byName: ReadonlyMap<string, Stage>;
  readonly #producer: ReadonlyMap<string, {stage: Stage; output: string}>;

  /** @param stages in dataflow order; throws where a stage reads a kind that no earlier stage writes */
  constructor(readonly stages: readonly Stage[]) {
    this.#byName = new Map(stages.map((stage) => [stage.name, stage]));
    const producer = new Map<string, {stage: Stage; output: string}>();
    for (const stage of stages) {
      for (const input of Object.values(stage.inputs)) {
        if (!isFileInput(input) && !producer.has(input.kind)) {
          throw new TypeError(`stage ${stage.name} reads '${input.kind}', which no earlier stage writes`);
        }
      }
      for (const [output, schema] of Object.entries(stage.outputs)) {
        if (producer.has(schema.kind)) throw new TypeError(`two stages write '${schema.kind}'`);
        producer.set(schema.kind, {stage, output});
      }
    }
    this.#producer = producer;
  }

  stage(name: string): Stage {
    const stage = this.#byName.get(name);
    if (stage === undefined) throw unknownStage(name, this.#byName.keys());
    return stage;
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /** The stage and output that write a kind of shard. */
  producer(kind: string): {stage: Stage; output: string} {
    return this.#producer.get(kind)!;
  }

  /** Stages per fold from which no stage reads: what an experiment is run for. */
  ends(): Stage[] {
    const read = new Set(
      this.stages.flatMap(({inputs}) =>
        Object.values(inputs).flatMap((input) => (isFileInput(input) ? [] : [this.producer(input.kind).stage.name])),
      ),
    );
    return this.stages.filter((stage) => stage.per === 'fold' && !read.has(stage.name));
  }

  /** The named stage and every stage that reads from it, directly or not. */
  downstream(name: string): Set<string> {
    const reached = new Set([this.stage(name).name]);
    for (const stage of this.stages) {
      const reads = Object.values(stage.inputs).flatMap((input) =>
        isFileInput(input) ? [] : [this.producer(input.kind).stage.name],
      );
      if (reads.some((upstream) => reached.has(upstream))) reached.add(stage.name);
    }
    return reached;
  }
}

function unknownStage(name: string, known: Iterable<string>): UsageError {
  return new UsageError('unknown-stage', `there is no stage '${name}'`, suggestion(name, known));
}

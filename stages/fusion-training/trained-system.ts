/** Models as fusion-training left them, opened again: the weights and running statistics of the best epoch. */
import type {ShardReader} from '../../cache/shard.js';
import {StageError} from '../errors.js';
import {compileForward} from '../learning/engine.js';
import type {Arrays, ProgramOptions} from '../learning/program.js';
import type {weights} from '../schemas.js';
import type {Evaluator} from './evaluation.js';
import {evaluationShape, evaluationSpecs} from './evaluation.js';
import type {FoldData, Target} from './fold-data.js';
import {targets} from './fold-data.js';
import type {Model} from './model.js';
import {forwardPass, modelOf} from './model.js';
import type {Settings} from './settings.js';
import {lengthOf} from './windows.js';

export interface TrainedSystem {
  readonly model: Model;
  readonly targets: readonly Target[];
  /** 'weights/…' and 'statistics/…', as the forward pass reads them. */
  readonly arrays: Arrays;
}

/** Opens the models of a task: one for both emotions, or one each. */
export async function trainedSystems(
  shard: ShardReader<typeof weights>,
  settings: Settings,
  data: Pick<FoldData, 'dims'>,
): Promise<TrainedSystem[]> {
  const groups = settings.training.targets === 'joint' ? [targets] : targets.map((target) => [target]);
  const recorded = await arraysByModel(shard);
  return groups.map((group) => {
    const name = group.length > 1 ? 'both' : group[0]!;
    const model = modelOf({...settings, dims: data.dims, targetCount: group.length});
    return {model, targets: group, arrays: stateOf(model, recorded.get(name) ?? {}, name)};
  });
}

/** Compiles the forward pass that training predicts with, for the windows of `data.validation`. */
export async function openEvaluator(
  {model, targets: of, arrays}: TrainedSystem,
  data: FoldData,
  options: ProgramOptions,
): Promise<Evaluator> {
  const {batchSize, clipFrames, clipPooling} = model.training;
  const split = data.validation;
  const shape = evaluationShape(split, {batchSize, length: lengthOf(model.training), clipFrames, clipPooling});
  const specs = Object.entries(arrays).map(([name, array]) => [name, {shape: array.shape, dtype: 'float32' as const}]);
  const inputs = {...(await evaluationSpecs(data, split, shape)), ...Object.fromEntries(specs)};
  const forward = forwardPass(model);
  const inference = await compileForward((_, given) => forward(given), {}, inputs, options);
  return {inference, data, split, shape, targets: of};
}

async function arraysByModel(shard: ShardReader<typeof weights>): Promise<Map<string, Arrays>> {
  const models = new Map<string, Arrays>();
  for await (const {model, name, shape, values} of shard.rows()) {
    const array = {shape: JSON.parse(shape) as number[], values: new Float32Array(Uint8Array.from(values).buffer)};
    models.set(model, {...models.get(model), [name]: array});
  }
  return models;
}

function stateOf({declaration}: Model, recorded: Arrays, model: string): Arrays {
  const find = (name: string, shape: readonly number[]) => {
    const found = recorded[name];
    if (found !== undefined && JSON.stringify(found.shape) === JSON.stringify(shape)) return found;
    throw new StageError(
      'wrong-shape',
      `The weights of model '${model}' have ${found === undefined ? 'no' : `a differently shaped (${found.shape.join(' × ')})`} tensor ${name}.`,
      'Run fusion-training of this fold again.',
    );
  };
  const entries = (['weights', 'statistics'] as const).flatMap((group) =>
    Object.entries(declaration[group]).map(([name, {shape}]) => [`${group}/${name}`, find(name, shape)] as const),
  );
  return Object.fromEntries(entries);
}

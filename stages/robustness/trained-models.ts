/** Models as fusion-training left them: the weights and running statistics of the best epoch. */
import type {ShardReader} from '../../cache/shard.js';
import {StageError} from '../errors.js';
import type {FoldData, Target} from '../fusion-training/fold-data.js';
import {targets} from '../fusion-training/fold-data.js';
import type {Model} from '../fusion-training/model.js';
import {modelOf} from '../fusion-training/model.js';
import type {Settings} from '../fusion-training/settings.js';
import type {Arrays} from '../learning/program.js';
import type {weights} from '../schemas.js';

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
  data: FoldData,
): Promise<TrainedSystem[]> {
  const groups = settings.training.targets === 'joint' ? [targets] : targets.map((target) => [target]);
  const recorded = await arraysByModel(shard);
  return groups.map((group) => {
    const name = group.length > 1 ? 'both' : group[0]!;
    const model = modelOf({...settings, dims: data.dims, targetCount: group.length});
    return {model, targets: group, arrays: stateOf(model, recorded.get(name) ?? {}, name)};
  });
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

import type {z} from 'zod';
import type {ShardSchema} from '../../../cache/shard.js';
import type {Input, Stage} from '../../../stages/stage.js';

/** The same stage, handed the paths of the model files it declares, as the pipeline does. */
export function withModels<
  I extends Readonly<Record<string, Input>>,
  O extends Readonly<Record<string, ShardSchema>>,
  P extends z.ZodObject,
>(stage: Stage<I, O, P, 'clip'>): Stage<I, O, P, 'clip'> {
  return {
    ...stage,
    run(args) {
      const models = Object.fromEntries((stage.models?.(args.params) ?? []).map(({id, path}) => [id, path]));
      return stage.run({...args, context: {...args.context, models}});
    },
  };
}

/** A stage that does nothing but write one row, so that a run of it shows what the engine costs per task. */
import {z} from 'zod';
import type {ShardSchema} from '../../cache/shard.js';
import {defineStage, video, type Stage} from '../../stages/stage.js';

const mark = {
  kind: 'mark',
  columns: {value: {type: 'f64', unit: '1', doc: 'A number.'}},
  batchRows: 8,
} as const satisfies ShardSchema;

/** Seconds this process has waited for disks, and how often; set by the worker, which counts. */
export const synced = {seconds: 0, count: 0};

const idle = defineStage({
  name: 'idle',
  version: 1,
  doc: 'Writes the number of a clip.',
  per: 'clip',
  resource: 'cpu',
  inputs: {video},
  outputs: {mark},
  params: z.object({value: z.number()}),
  async run({outputs, params, context}) {
    await outputs.mark.append({value: params.value});
    const {user, system} = process.cpuUsage();
    context.note('cpuSeconds', (user + system) / 1e6);
    context.note('syncSeconds', synced.seconds);
    context.note('syncCount', synced.count);
  },
});

export const idleStages = [idle] as unknown as readonly Stage[];

/** Three small stages, so that the engine is tested with real processes and real files but no video. */
import {existsSync, writeFileSync} from 'node:fs';
import {readFile} from 'node:fs/promises';
import path from 'node:path';
import {z} from 'zod';
import type {ShardSchema} from '../../cache/shard.js';
import {StageError} from '../../stages/errors.js';
import {defineStage, video, type Stage} from '../../stages/stage.js';

const number = {value: {type: 'f64', unit: '1', doc: 'A number.'}} as const;
export const letters = {kind: 'letters', columns: number, batchRows: 8} as const satisfies ShardSchema;
export const doubled = {kind: 'doubled', columns: number, batchRows: 8} as const satisfies ShardSchema;
export const total = {kind: 'scores', columns: number, batchRows: 8} as const satisfies ShardSchema;

const count = defineStage({
  name: 'count',
  version: 1,
  doc: 'Counts the characters of a file.',
  per: 'clip',
  resource: 'io',
  inputs: {video},
  outputs: {letters},
  params: z.object({plus: z.number().default(0)}),
  async run({inputs, outputs, params, context}) {
    const text = await readFile(inputs.video.path, 'utf8');
    if (text.startsWith('broken') || existsSync(`${inputs.video.path}.broken`))
      throw new StageError('unreadable-file', `${inputs.video.path} is broken`, 'Mend it.');
    if (text.startsWith('crash')) process.kill(process.pid, 'SIGKILL');
    if (text.startsWith('defect')) throw new TypeError('a defect');
    if (text.startsWith('slow')) await waitOrAbort(context.signal, 60_000);
    if (text.startsWith('warn')) context.warn('a warning');
    await outputs.letters.append({value: text.length + params.plus});
  },
});

const double = defineStage({
  name: 'double',
  version: 1,
  doc: 'Doubles and rounds down to tens, so that small changes upstream give the same bytes.',
  per: 'clip',
  resource: 'cpu',
  inputs: {letters},
  outputs: {doubled},
  params: z.object({factor: z.number().default(2)}),
  async run({inputs, outputs, params, context}) {
    const mark = path.join(context.scratch, 'seen');
    if (existsSync(mark)) context.note('resumed', 1);
    writeFileSync(mark, '');
    for await (const {value} of inputs.letters.rows())
      await outputs.doubled.append({value: Math.floor((value * params.factor) / 10) * 10});
  },
});

const sum = defineStage({
  name: 'sum',
  version: 1,
  doc: 'Adds up a fold.',
  per: 'fold',
  resource: 'cpu',
  inputs: {doubled},
  outputs: {total},
  params: z.object({}),
  seeded: true,
  async run({inputs, outputs, context}) {
    let value = context.seed;
    for (const shard of [...inputs.doubled.train, ...inputs.doubled.validation])
      for await (const row of shard.rows()) value += row.value;
    await outputs.total.append({value});
  },
});

export const toyStages = [count, double, sum] as unknown as readonly Stage[];

function waitOrAbort(signal: AbortSignal, milliseconds: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new Error('interrupted'));
    });
  });
}

/** Options that several commands share, and how their values are read. */
import {InvalidArgumentError, type Command} from 'commander';

export interface CommonOptions {
  readonly workspace?: string;
  readonly set: readonly string[];
}

export interface RunCommandOptions extends CommonOptions {
  /** A glob, or names. */
  readonly clips?: string | readonly string[];
  readonly folds?: string[];
  readonly jobs?: number;
  readonly device: string;
  readonly json: boolean;
  readonly from?: string;
}

const DEVICES = ['auto', 'cpu', 'webgpu', 'cuda', 'tfjs-gpu', 'tfjs'];

export function withCommonOptions(command: Command): Command {
  return command
    .option(
      '--set <path=value>',
      'override a parameter, such as fusion-training.learningRate=1e-4 (repeatable)',
      collect,
      [],
    )
    .option(
      '--workspace <folder>',
      'where results are kept (default: the nearest .affectflow upward, else ./.affectflow)',
    );
}

export function withRunOptions(command: Command): Command {
  return withCommonOptions(command)
    .option('--clips <glob>', 'only extract features of the clips whose names match, such as "s01-*"')
    .option('--folds <names>', 'only these folds, such as 0,1', (value) => value.split(','))
    .option('--jobs <count>', 'tasks at once (default: number of cores)', positiveInteger)
    .option('--device <device>', `where training runs: ${DEVICES.join(', ')}`, device, 'auto')
    .option('--json', 'print events as JSON lines', false);
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

export function positiveInteger(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('expected a whole number of at least 1');
  return number;
}

function device(value: string): string {
  if (!DEVICES.includes(value)) throw new InvalidArgumentError(`expected one of ${DEVICES.join(', ')}`);
  return value;
}

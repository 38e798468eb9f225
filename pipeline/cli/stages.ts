/** `affectflow stages`: the stages in the order the data flow, and the parameters of each, from their declarations. */
import {z} from 'zod';
import {UsageError} from '../errors.js';
import {stages as all} from '../../stages/index.js';
import {suggestion} from '../../stages/nearest.js';
import {fusionParams, settingsOf} from '../../stages/fusion-training/settings.js';
import type {System} from '../../stages/fusion-training/system.js';
import {systems} from '../../stages/fusion-training/systems/index.js';
import type {Stage} from '../../stages/stage.js';
import {print} from './screen.js';

/** What is used of JSON Schema. */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
}

const INDENT = 30;

/** Lists the stages; of one stage, or of one system, its parameters. */
export function stages(name: string | undefined): number {
  if (name === undefined) {
    print(...all.map((stage) => `${stage.name.padEnd(INDENT)}${stage.doc}`));
    print('', 'Parameters of one: affectflow stages fusion-training. Those of a system: affectflow stages rcma.');
    return 0;
  }
  const stage = all.find((one) => one.name === name);
  const system = systems[name];
  if (stage !== undefined) print(stage.doc, '', ...ofStage(stage));
  else if (system !== undefined) print(`${system.title}: ${system.paper}`, '', ...ofSystem(system));
  else {
    const known = [...all.map((one) => one.name), ...Object.keys(systems)];
    throw new UsageError('unknown-stage', `there is no stage or system '${name}'`, suggestion(name, known));
  }
  return 0;
}

function ofStage(stage: Stage): string[] {
  const found = lines(schemaOf(stage.params));
  if (found.length === 0) return ['It has no parameters.'];
  const hint = 'Defaults that are not shown depend on system and preset: affectflow stages rcma.';
  return [`Below stages.${stage.name}:`, ...found, ...(stage.name === 'fusion-training' ? ['', hint] : [])];
}

/** What is the system's own, and what its presets set. */
function ofSystem(system: System): string[] {
  const settings = (preset: 'published' | 'released') => settingsOf(fusionParams.parse({system: system.name, preset}));
  const [published, released] = [settings('published'), settings('released')];
  const training = changed(published.training, released.training);
  const architecture = changed(published.architecture, released.architecture);
  return [
    'Below fusion-training.architecture:',
    ...lines(schemaOf(system.architecture)),
    '',
    'Below fusion-training, preset published (`affectflow stages fusion-training` says what they mean):',
    ...Object.entries(published.training).map(setting),
    ...(training.length === 0 ? [] : ['', 'and where preset released differs:', ...training.map(setting)]),
    ...(architecture.length === 0 ? [] : ['', 'and below architecture:', ...architecture.map(setting)]),
  ];
}

/** Settings of the second that the first has not. */
const changed = (from: object, to: object): [string, unknown][] => {
  const before = new Map(Object.entries(from).map(([name, value]) => [name, JSON.stringify(value)]));
  return Object.entries(to).filter(([name, value]) => before.get(name) !== JSON.stringify(value));
};

const setting = ([name, value]: readonly [string, unknown]): string =>
  `  ${name.padEnd(INDENT - 2)}${JSON.stringify(value)}`;

const schemaOf = (type: z.ZodType): Schema => z.toJSONSchema(type, {io: 'input', unrepresentable: 'any'}) as Schema;

/** A line per parameter; those of a parameter that has its own follow under its path. */
function lines(schema: Schema, prefix = ''): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const path = `${prefix}${key}`;
    const preset = value.default === undefined ? '' : `, default ${JSON.stringify(value.default)}`;
    const text = `${typeOf(value)}${preset}${value.description === undefined ? '' : `. ${value.description}`}`;
    return [`  ${path.padEnd(INDENT - 2)}${path.length > INDENT - 4 ? '  ' : ''}${text}`, ...lines(value, `${path}.`)];
  });
}

function typeOf({type, enum: values, anyOf, items, properties, const: only}: Schema): string {
  if (values !== undefined) return values.join(' | ');
  if (only !== undefined) return String(only);
  if (anyOf !== undefined) return [...new Set(anyOf.map(typeOf))].join(' or ');
  if (type === 'array') return `list of ${items === undefined ? 'values' : typeOf(items)}`;
  return properties === undefined ? (type ?? 'value') : 'has parameters of its own';
}

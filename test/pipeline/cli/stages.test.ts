import {describe, expect, it} from 'vitest';
import {systems} from '../../../stages/fusion-training/systems/index.js';
import {stages} from '../../../stages/index.js';
import {affectflow} from '../../helpers/command.js';

const ask = (...args: string[]) => affectflow(['stages', ...args], process.cwd());

describe('affectflow stages', () => {
  it('lists every stage in the order the data flow', () => {
    const lines = ask().out.split('\n');
    expect(lines.slice(0, stages.length).map((line) => line.split(' ')[0])).toEqual(stages.map(({name}) => name));
  });

  it('lists the parameters of a stage with what they take, their defaults and their meaning, however deep', () => {
    const {out} = ask('visual-embedding');
    expect(out).toMatch(/^ {2}backbone +face-api-expression \| onnx \| own, default "face-api-expression"\. Network/m);
    expect(out).toMatch(/^ {2}onnx\.clip\.frames +integer, default 8\. /m);
    expect(ask('fold-evaluation').out).toMatch(/It has no parameters\.\n$/);
  });

  it('lists the parameters of every system, and how its presets train', () => {
    const {out} = ask('rcma');
    for (const name of Object.keys(systems['rcma']!.architecture.shape)) expect(out).toContain(`\n  ${name} `);
    expect(out).toMatch(
      /preset published[^]*\n {2}learningRate +0\.0001\n[^]*preset released[^]*\n {2}learningRate +0\.00001\n/,
    );
    expect(out).toMatch(/preset released[^]*\n {2}form +"released"\n[^]*headUnits +0\n/);
  });

  it('suggests the nearest name', () => {
    expect(ask('visual-embeding')).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining("'visual-embedding'") as string,
    });
  });
});

import os from 'node:os';
import {StageError} from '../../stages/errors.js';
import {locateFfmpeg} from '../../stages/demux/binary.js';
import {probeDevices} from '../../stages/learning/devices.js';
import {packageVersion} from '../package-root.js';
import {print} from './screen.js';

interface Finding {
  readonly what: string;
  readonly good: boolean;
  readonly said: string;
  readonly remedy?: string;
}

/** `affectflow doctor`: exit code 1 where something the main job needs is missing; devices but the CPU are extras. */
export async function doctor(): Promise<number> {
  const memory = `${(os.totalmem() / 2 ** 30).toFixed(0)} GB`;
  print(
    `Affectflow ${packageVersion()}, Node ${process.version}, ${process.platform}-${process.arch}, ${os.availableParallelism()} cores, ${memory}`,
    '',
  );
  const needed = [node(), await ffmpeg()];
  const devices = (await probeDevices()).map(({device, usable, reason, remedy}) => ({
    what: `device ${device}`,
    good: usable,
    said: reason,
    ...(remedy === undefined ? {} : {remedy}),
  }));
  print(...[...needed, ...devices].flatMap(lines));
  const usable = devices.some(({good}) => good);
  print('', needed.every(({good}) => good) && usable ? 'The main job can run.' : 'The main job cannot run; see above.');
  return needed.every(({good}) => good) && usable ? 0 : 1;
}

function lines({what, good, said, remedy}: Finding): string[] {
  return [
    `${good ? 'ok  ' : 'no  '} ${what.padEnd(16)} ${said}`,
    ...(remedy === undefined ? [] : [`${' '.repeat(22)}→ ${remedy}`]),
  ];
}

function node(): Finding {
  const [major, minor] = process.versions.node.split('.').map(Number) as [number, number];
  const good = major > 20 || (major === 20 && minor >= 19);
  return {what: 'node', good, said: process.version, ...(good ? {} : {remedy: 'Install Node 20.19 or later.'})};
}

async function ffmpeg(): Promise<Finding> {
  try {
    const {path, version, source} = await locateFfmpeg();
    return {what: 'ffmpeg', good: true, said: `${version} at ${path} (${source})`};
  } catch (error) {
    if (!(error instanceof StageError)) throw error;
    return {what: 'ffmpeg', good: false, said: error.message, remedy: error.remedy};
  }
}

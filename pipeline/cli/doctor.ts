import os from 'node:os';
import {probeFfmpeg} from '../../stages/demux/probe.js';
import {probeDevices} from '../../stages/learning/devices.js';
import {aligned} from '../logging/words.js';
import {packageVersion} from '../package-root.js';
import {print} from './screen.js';

/** `affectflow doctor`: exit code 1 where something the main job needs is missing. */
export async function doctor(): Promise<number> {
  print(`Affectflow ${packageVersion()}, Node ${process.version}, ${process.platform}-${process.arch}, ${os.availableParallelism()} cores, ${(os.totalmem() / 2 ** 30).toFixed(0)} GB`, '');
  return 0;
}

import {probeDevice} from '../../stages/learning/devices.js';
import {buildAddon, installedVersion, planAddon} from '../tfjs-node/addon.js';
import {findTensorflow} from '../tfjs-node/tensorflow.js';
import {print} from './screen.js';

interface BuildOptions {
  readonly gpu: boolean;
  readonly python: string;
  readonly dryRun: boolean;
}

/** `affectflow build-tfjs-node`: exit code 1 where the addon was built but no training step runs on it. */
export async function buildTfjsNode({gpu, python, dryRun}: BuildOptions): Promise<number> {
  const library = gpu ? '@tensorflow/tfjs-node-gpu' : '@tensorflow/tfjs-node';
  const tensorflow = findTensorflow(python);
  const plan = planAddon(library, tensorflow);
  print(
    `package     ${library} ${installedVersion(library)}`,
    `TensorFlow  ${tensorflow.distribution} ${tensorflow.version} in ${tensorflow.folder}`,
    `addon       ${plan.target}`,
    `command     ${[plan.compiler, ...plan.arguments].join(' ')}`,
    'The addon stays linked to that folder: build it again when Python or TensorFlow moves or is updated.',
  );
  if (dryRun) return 0;
  const started = performance.now();
  const version = buildAddon(plan);
  print('', `Built in ${((performance.now() - started) / 1000).toFixed(0)} s; it loads TensorFlow ${version}.`);
  const {usable, reason, remedy} = await probeDevice(gpu ? 'tfjs-gpu' : 'tfjs');
  const native = usable && reason.includes(library);
  print(reason, ...(remedy === undefined ? [] : [remedy]));
  if (native) print(`Train on it with --device ${gpu ? 'tfjs-gpu' : 'tfjs'}.`);
  return native ? 0 : 1;
}

/** The TensorFlow that a Python installation has: its libraries export the C API, and its headers travel with them. */
import {execFileSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import path from 'node:path';
import {UsageError} from '../errors.js';

export interface PythonTensorflow {
  /** Name of the installed package, such as tensorflow or tensorflow_cpu. */
  readonly distribution: string;
  readonly version: string;
  /** Folder of the Python package. */
  readonly folder: string;
}

/** Libraries of the package that an addon is linked against. */
export const LIBRARIES = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'] as const;

const HEADER = 'include/tensorflow/c/eager/c_api.h';
const INSTALL = 'Install it with pip install tensorflow-cpu (or tensorflow[and-cuda] for a graphics card)';

/** Looks the package up without importing it, which would take seconds and print. */
const LOOK_UP = `
import importlib.metadata as metadata, importlib.util, json
spec = importlib.util.find_spec('tensorflow')
found = None
if spec is not None and spec.submodule_search_locations:
    for name in ('tensorflow', 'tensorflow_cpu', 'tensorflow_gpu', 'tf_nightly', 'tf_nightly_cpu'):
        try:
            found = {'distribution': name, 'version': metadata.version(name),
                     'folder': list(spec.submodule_search_locations)[0]}
            break
        except metadata.PackageNotFoundError:
            pass
print(json.dumps(found))
`;

/** Asks a Python for its TensorFlow. Throws UsageError 'cannot-build' where there is none that can be linked against. */
export function findTensorflow(python: string): PythonTensorflow {
  const found = JSON.parse(ask(python)) as PythonTensorflow | null;
  if (found === null) {
    throw new UsageError(
      'cannot-build',
      `${python} has no TensorFlow`,
      `${INSTALL} for this Python, or name another with --python.`,
    );
  }
  const missing = [...LIBRARIES, HEADER].find((file) => !existsSync(path.join(found.folder, file)));
  if (missing === undefined && found.version.startsWith('2.')) return found;
  throw new UsageError(
    'cannot-build',
    `${found.distribution} ${found.version} in ${found.folder} ${missing === undefined ? 'is not TensorFlow 2' : `lacks ${missing}`}`,
    `${INSTALL} from the wheel on PyPI, version 2.9 or later.`,
  );
}

function ask(python: string): string {
  try {
    return execFileSync(python, ['-c', LOOK_UP], {encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe']});
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'was not found' : 'cannot be asked for TensorFlow';
    throw new UsageError('cannot-build', `${python} ${why}`, 'Name a Python 3 with --python.', {cause});
  }
}

/**
 * The native part of @tensorflow/tfjs-node: two C++ files over TensorFlow's C API. The released binary belongs to
 * TensorFlow 2.9 with CUDA 11.2; built against the TensorFlow that Python has, it is as current as that.
 */
import {execFileSync} from 'node:child_process';
import {existsSync, mkdirSync, readFileSync, renameSync, rmSync} from 'node:fs';
import {createRequire} from 'node:module';
import os from 'node:os';
import path from 'node:path';
import {UsageError} from '../errors.js';
import {LIBRARIES, type PythonTensorflow} from './tensorflow.js';

export interface AddonBuild {
  readonly compiler: string;
  readonly arguments: readonly string[];
  /** Where the package looks for its addon. */
  readonly target: string;
  /** Where the compiler writes, so that a failed build leaves what is there alone. */
  readonly aside: string;
}

/** Node-API that the addon is compiled for: the newest its package lists, which every Node from 15.12 on has. */
const NODE_API = 8;

/** What will be run. Throws UsageError 'cannot-build' where the package, Node's headers or this system do not allow it. */
export function planAddon(library: string, {folder}: PythonTensorflow): AddonBuild {
  if (process.platform !== 'linux') {
    throw new UsageError(
      'cannot-build',
      `the addon can be built on Linux only, not on ${process.platform}`,
      'Use --device cpu or --device webgpu.',
    );
  }
  const root = packageFolder(library);
  const target = path.join(root, `lib/napi-v${NODE_API}/tfjs_binding.node`);
  const aside = target.replace('.node', '.new.node');
  const include = [nodeHeaders(), path.join(folder, 'include')].map((directory) => `-I${directory}`);
  return {
    compiler: process.env['CXX'] ?? 'g++',
    arguments: [
      ...['-O2', '-std=c++17', '-shared', '-fPIC', `-DNAPI_VERSION=${NODE_API}`, ...include],
      ...['tfjs_backend.cc', 'tfjs_binding.cc'].map((file) => path.join(root, 'binding', file)),
      ...['-o', aside, `-L${folder}`, ...LIBRARIES.map((name) => `-l:${name}`), `-Wl,-rpath,${folder}`],
    ],
    target,
    aside,
  };
}

/** Compiles, loads the result in a process of its own, and only then puts it in its place. Returns TensorFlow's version. */
export function buildAddon({compiler, arguments: args, target, aside}: AddonBuild): string {
  mkdirSync(path.dirname(target), {recursive: true});
  try {
    compile(compiler, args);
    const version = loadedVersion(aside);
    renameSync(aside, target);
    return version;
  } finally {
    rmSync(aside, {force: true});
  }
}

function compile(compiler: string, args: readonly string[]): void {
  try {
    execFileSync(compiler, args, {encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe']});
  } catch (cause) {
    const {code, stderr} = cause as NodeJS.ErrnoException & {readonly stderr?: string};
    const missing = code === 'ENOENT';
    throw new UsageError(
      'cannot-build',
      missing
        ? `the C++ compiler ${compiler} was not found`
        : `${compiler} failed:\n${lastLines(stderr ?? String(cause))}`,
      missing
        ? 'Install g++ (Debian: apt-get install g++), or name a compiler in CXX.'
        : 'Try a newer compiler, or another TensorFlow with --python.',
      {cause},
    );
  }
}

/** Loading may end the process that tries, so another one does. */
function loadedVersion(addon: string): string {
  try {
    const print = ['-p', 'require(process.argv[1]).TF_Version', addon];
    return execFileSync(process.execPath, print, {encoding: 'utf8', stdio: 'pipe'}).trim();
  } catch (cause) {
    throw new UsageError(
      'cannot-build',
      `the addon was built but cannot be loaded:\n${lastLines((cause as {stderr?: string}).stderr ?? String(cause))}`,
      'Try another TensorFlow with --python.',
      {cause},
    );
  }
}

const lastLines = (text: string): string => text.trim().split('\n').slice(-8).join('\n');

function packageFolder(library: string): string {
  try {
    return path.dirname(createRequire(import.meta.url).resolve(`${library}/package.json`));
  } catch (cause) {
    throw new UsageError('cannot-build', `${library} is not installed`, installation(library), {cause});
  }
}

/** Without scripts, so that nothing is downloaded but the package. */
export function installation(library: string): string {
  return `Run npm install --ignore-scripts ${library}@4.22.0, in a checkout of Affectflow with --no-save --save-dev.`;
}

/** node_api.h, from this Node, from where node-gyp keeps them, or from the package node-api-headers. */
function nodeHeaders(): string {
  const candidates = [
    path.resolve(process.execPath, '../../include/node'),
    path.join(os.homedir(), `.cache/node-gyp/${process.versions.node}/include/node`),
    ...headersPackage(),
    '/usr/include/node',
  ];
  const found = candidates.find((folder) => existsSync(path.join(folder, 'node_api.h')));
  if (found !== undefined) return found;
  throw new UsageError(
    'cannot-build',
    `node_api.h was found in none of ${candidates.join(', ')}`,
    'Run npm install --no-save --save-dev node-api-headers.',
  );
}

function headersPackage(): string[] {
  try {
    return [
      path.join(path.dirname(createRequire(import.meta.url).resolve('node-api-headers/package.json')), 'include'),
    ];
  } catch {
    return [];
  }
}

/** The version of an installed package. */
export function installedVersion(library: string): string {
  const file = path.join(packageFolder(library), 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as {version: string}).version;
}

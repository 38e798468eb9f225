/**
 * Builds dist/ from the TypeScript sources with esbuild, and writes beside the code
 *   dist/closures.json   per stage, the digest of everything its source reaches (decision D4);
 *   dist/build.json      the digest of all sources, by which the launcher knows that dist/ is current.
 */
import {createHash} from 'node:crypto';
import {existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';

const root = path.dirname(fileURLToPath(import.meta.url));
const folders = ['cache', 'stages', 'reports', 'pipeline'];
const entries = {main: 'pipeline/cli/main.ts', worker: 'pipeline/worker.ts'};

/** How sources become what Node runs. */
export const bundling = {bundle: true, format: 'esm', platform: 'node', target: 'node20'};

/** Digest of every source file and of the lock of packages: what dist/ was built from. */
export function sourceDigest() {
  const hash = createHash('sha256');
  for (const file of [...sourceFiles(), 'package.json', 'build.js']) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(path.join(root, file)))
      .update('\0');
  }
  return hash.digest('hex');
}

/** Digest of the sources dist/ was built from; undefined where it was never built. */
export function builtDigest() {
  const file = path.join(root, 'dist/build.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).sources : undefined;
}

function sourceFiles() {
  return folders.flatMap((folder) =>
    readdirSync(path.join(root, folder), {recursive: true, withFileTypes: true})
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(root, path.join(entry.parentPath ?? entry.path, entry.name)))
      .sort(),
  );
}

/** Per stage, the digest of its bundled source: comments, types and unused exports do not count. */
async function closures(esbuild) {
  const stages = readdirSync(path.join(root, 'stages'), {withFileTypes: true})
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => entry.name.slice(0, -3))
    .filter((name) => /defineStage\(/.test(readFileSync(path.join(root, 'stages', `${name}.ts`), 'utf8')))
    .filter((name) => name !== 'stage');
  const result = await esbuild.build({
    absWorkingDir: root,
    entryPoints: stages.map((name) => `stages/${name}.ts`),
    outdir: 'closures',
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    minifyWhitespace: true,
    minifySyntax: true,
    treeShaking: true,
    legalComments: 'none',
    charset: 'utf8',
  });
  return Object.fromEntries(
    result.outputFiles
      .map((file) => [
        path.basename(file.path, '.js'),
        createHash('sha256').update(file.contents).digest('hex').slice(0, 32),
      ])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/**
 * Packages that are copied into dist/, because reading one file is faster than a hundred small ones: those that every
 * command loads and that hold nothing but JavaScript. The others are loaded from node_modules when they are needed.
 */
const inlined = ['commander', 'p-queue', 'xxhash-wasm', 'yaml', 'zod'];

function otherPackages() {
  const {dependencies, optionalDependencies, peerDependencies} = JSON.parse(
    readFileSync(path.join(root, 'package.json'), 'utf8'),
  );
  return Object.keys({...dependencies, ...optionalDependencies, ...peerDependencies}).filter(
    (name) => !inlined.includes(name),
  );
}

/** Removes what builds left aside that were killed. */
function sweep() {
  for (const name of readdirSync(root)) {
    const [, pid] = /^dist\.(?:old\.)?(\d+)$/.exec(name) ?? [];
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(path.join(root, name), {recursive: true, force: true});
  }
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Builds into a folder beside dist/ and swaps it in, so that a running process never sees half a build. */
export async function build() {
  const esbuild = await import('esbuild');
  const sources = sourceDigest();
  sweep();
  const aside = path.join(root, `dist.${process.pid}`);
  rmSync(aside, {recursive: true, force: true});
  mkdirSync(aside, {recursive: true});
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(path.join(root, file)))),
    outdir: aside,
    ...bundling,
    splitting: true,
    external: otherPackages(),
    // For what is written as CommonJS among the inlined packages.
    banner: {js: "import {createRequire as requireOf} from 'node:module'; const require = requireOf(import.meta.url);"},
    sourcemap: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
  writeFileSync(path.join(aside, 'closures.json'), `${JSON.stringify(await closures(esbuild), null, 2)}\n`);
  writeFileSync(path.join(aside, 'build.json'), `${JSON.stringify({sources}, null, 2)}\n`);
  const dist = path.join(root, 'dist');
  const old = path.join(root, `dist.old.${process.pid}`);
  if (existsSync(dist)) renameSync(dist, old);
  renameSync(aside, dist);
  rmSync(old, {recursive: true, force: true});
}

/** Writes stages/versions.json: the closure that each stage's present version stands for (D4). */
function lockStages() {
  const closuresNow = JSON.parse(readFileSync(path.join(root, 'dist/closures.json'), 'utf8'));
  const lock = Object.entries(closuresNow).map(([name, closure]) => {
    const source = readFileSync(path.join(root, 'stages', `${name}.ts`), 'utf8');
    return [name, {version: Number(/^  version: (\d+),$/m.exec(source)[1]), closure}];
  });
  writeFileSync(path.join(root, 'stages/versions.json'), `${JSON.stringify(Object.fromEntries(lock), null, 2)}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await build();
  if (process.argv.includes('--lock-stages')) lockStages();
}

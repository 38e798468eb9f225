import path from 'node:path';
import {build, type Metafile} from 'esbuild';
import {expect, it} from 'vitest';

const root = path.resolve(import.meta.dirname, '..');
/** Packages that take long to load, and that commands which only look have no use for (D19). */
const HEAVY =
  /^(@tensorflow\/|onnxruntime-node|sharp|@huggingface\/|@vladmandic\/|apache-arrow|fluent-ffmpeg|hyparquet)/;

it.each(['run', 'plan', 'lineage', 'report'])(
  '`affectflow %s` loads nothing heavy before it knows that it needs it',
  async (name) => {
    const entry = `pipeline/cli/${name}.ts`;
    const {metafile} = await build({
      absWorkingDir: root,
      entryPoints: [entry],
      outdir: 'nowhere',
      bundle: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform: 'node',
      packages: 'external',
      logLevel: 'silent',
    });
    expect(heavyChains(metafile, entry)).toEqual([]);
  },
);

/** For each heavy package that is loaded with a file, the shortest chain of imports that asks for it. */
function heavyChains({inputs}: Metafile, entry: string): string[] {
  const cameFrom = new Map<string, string | undefined>([[entry, undefined]]);
  const chains: string[] = [];
  for (const file of cameFrom.keys()) {
    for (const {path: to, kind, external} of inputs[file]?.imports ?? []) {
      if (kind === 'dynamic-import') continue;
      if (external !== true && !cameFrom.has(to)) cameFrom.set(to, file);
      if (external === true && HEAVY.test(to)) chains.push([to, ...ancestors(file, cameFrom)].join(' ← '));
    }
  }
  return chains;
}

function ancestors(file: string, cameFrom: ReadonlyMap<string, string | undefined>): string[] {
  const before = cameFrom.get(file);
  return before === undefined ? [file] : [file, ...ancestors(before, cameFrom)];
}

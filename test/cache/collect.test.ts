import path from 'node:path';
import {expect, test} from 'vitest';
import {collect, reachable} from '../../cache/collect.js';
import type {Digest} from '../../cache/digest.js';
import {Lineage} from '../../cache/lineage.js';
import {ShardStore} from '../../cache/shard-store.js';
import {everyType, oneRow} from './every-type.js';
import {digestFor, someTasks, task} from './some-tasks.js';
import {temporaryFolder} from '../helpers/temporary-folder.js';

async function shardOf(store: ShardStore, i32: number) {
  await using writer = store.create(everyType);
  await writer.append(oneRow({i32}));
  return writer.finish();
}

test('what a task needs is all that is upstream of it', () => {
  const folder = temporaryFolder();
  using lineage = Lineage.open(path.join(folder, 'lineage.sqlite'));
  lineage.recordMany(someTasks);
  const {fingerprints, digests} = reachable(lineage, [digestFor('fingerprint text a')]);
  // Both clips' words: their bytes are one shard, and either task may be asked for it.
  expect([...fingerprints].sort()).toEqual(
    ['text a', 'words a', 'words b'].map((name) => digestFor(`fingerprint ${name}`)).sort(),
  );
  expect([...digests].sort()).toEqual([digestFor('text a'), digestFor('no words')].sort());
});

test('collecting removes the shards that the latest runs do not reach, and a dry run only says so', async () => {
  const folder = temporaryFolder();
  using lineage = Lineage.open(path.join(folder, 'lineage.sqlite'));
  const store = ShardStore.open(path.join(folder, 'shards'));
  const [features, oldModel, newModel] = [await shardOf(store, 1), await shardOf(store, 2), await shardOf(store, 3)];
  const output = (digest: Digest) => [{name: 'x', kind: 'every-type', digest, rows: 1, bytes: 1}];
  const embed = task('visual a', ['video a'], {outputs: output(features.digest)});
  const input = [{name: 'visual', digest: features.digest}];
  const trained = [oldModel, newModel].map(({digest}, index) =>
    task(`training-${index}`, [], {inputs: input, outputs: output(digest)}),
  );
  lineage.recordMany([embed, ...trained]);
  for (const {fingerprint, stage} of trained) {
    const run = lineage.beginRun({experiment: 'toy', config: {}, command: 'run', version: '1'});
    lineage.recordTask(run, {task: stage, stage, fingerprint, status: 'produced', reason: 'new', seconds: 1});
  }
  const expected = {
    removed: [{digest: oldModel.digest, bytes: oldModel.bytes}],
    removedBytes: oldModel.bytes,
    keptCount: 2,
    keptBytes: features.bytes + newModel.bytes,
  };
  expect(collect(store, lineage, {keepRuns: 1, dryRun: true})).toEqual(expected);
  expect(store.has(oldModel.digest)).toBe(true);
  expect(collect(store, lineage, {keepRuns: 1})).toEqual(expected);
  expect([features, oldModel, newModel].map(({digest}) => store.has(digest))).toEqual([true, false, true]);
  expect(lineage.find(trained[0]!.fingerprint)).toEqual(trained[0]);
});

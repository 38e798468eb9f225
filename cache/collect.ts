/** Removes shards that no run worth keeping needs. History stays: the lineage still says what was done and from what. */
import type {Digest} from './digest.js';
import type {Lineage} from './lineage.js';
import type {ShardStore, StoredShard} from './shard-store.js';

/** Tasks and shards that can be reached from others through their inputs. */
export interface Reached {
  readonly fingerprints: ReadonlySet<string>;
  readonly digests: ReadonlySet<Digest>;
}

export interface Collected {
  /** Shards that were removed, or would be. */
  readonly removed: readonly StoredShard[];
  readonly removedBytes: number;
  readonly keptCount: number;
  readonly keptBytes: number;
}

/** Returns the given tasks, everything upstream of them, and the shards all of these wrote. */
export function reachable(lineage: Lineage, fingerprints: Iterable<string>): Reached {
  const reached = new Set<string>();
  const digests = new Set<Digest>();
  const waiting = [...fingerprints];
  for (let fingerprint = waiting.pop(); fingerprint !== undefined; fingerprint = waiting.pop()) {
    const task = reached.has(fingerprint) ? undefined : lineage.find(fingerprint);
    if (task === undefined) continue;
    reached.add(fingerprint);
    for (const {digest} of task.outputs) digests.add(digest);
    waiting.push(...task.inputs.flatMap(({digest}) => lineage.producers(digest)));
  }
  return {fingerprints: reached, digests};
}

/**
 * Removes every shard that none of the latest `keepRuns` runs reaches. The caller holds the workspace's lock: a shard
 * that is published while this looks would be unknown to the lineage, and be removed.
 */
export function collect(
  store: ShardStore,
  lineage: Lineage,
  {keepRuns, dryRun = false}: {keepRuns: number; dryRun?: boolean},
): Collected {
  const runs = lineage.runs(keepRuns).map(({id}) => lineage.run(id));
  const {digests} = reachable(
    lineage,
    runs.flatMap(({tasks}) => tasks.flatMap(({fingerprint}) => fingerprint ?? [])),
  );
  const stored = [...store.list()];
  const removed = stored.filter(({digest}) => !digests.has(digest));
  if (!dryRun) for (const {digest} of removed) store.delete(digest);
  const removedBytes = sum(removed);
  return {removed, removedBytes, keptCount: stored.length - removed.length, keptBytes: sum(stored) - removedBytes};
}

function sum(shards: readonly StoredShard[]): number {
  return shards.reduce((total, {bytes}) => total + bytes, 0);
}

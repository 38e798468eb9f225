import {existsSync} from 'node:fs';
import {digestOfFile, type Digest} from './digest.js';
import type {ShardStore} from './shard-store.js';

/** Reads a shard's bytes again and compares them with its digest; false where it is missing or altered. */
export async function isIntact(store: ShardStore, digest: Digest): Promise<boolean> {
  const file = store.path(digest);
  return existsSync(file) && (await digestOfFile(file)) === digest;
}

/** What can go wrong with stored bytes and their history. */
export type CacheErrorCode =
  | 'missing-shard'
  | 'digest-mismatch'
  | 'bad-shard'
  | 'bad-row'
  | 'newer-lineage'
  | 'unwritable-workspace'
  | 'disk-full'
  | 'workspace-in-use'
  | 'unknown-record'
  | 'bad-lineage'
  | 'bad-manifest'
  | 'unstable-file';

/** An operating error of the cache: `code` is stable, `remedy` says what to do. */
export class CacheError extends Error {
  override readonly name = 'CacheError';
  constructor(
    readonly code: CacheErrorCode,
    message: string,
    readonly remedy: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

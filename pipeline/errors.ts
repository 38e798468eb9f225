/** What a user can get wrong before anything runs. */
export type UsageErrorCode =
  | 'missing-experiment'
  | 'bad-yaml'
  | 'bad-experiment'
  | 'bad-override'
  | 'unknown-stage'
  | 'unknown-system'
  | 'bad-dataset'
  | 'duplicate-clip'
  | 'bad-folds'
  | 'bad-option'
  | 'bad-sample'
  | 'nothing-selected'
  | 'not-run-yet'
  | 'unknown-record'
  | 'cannot-build';

/** A mistake in what was asked, found before anything runs; printed without a stack, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  constructor(
    readonly code: UsageErrorCode,
    message: string,
    readonly remedy: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

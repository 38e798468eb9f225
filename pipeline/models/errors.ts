/** What can go wrong with the pretrained networks a user fetches or provides. */
export type ModelErrorCode =
  | 'bad-manifest'
  | 'unknown-model'
  | 'missing-model'
  | 'wrong-task'
  | 'offline'
  | 'download-failed'
  | 'wrong-bytes'
  | 'not-found'
  | 'not-a-slot'
  | 'bad-option';

/** A model that is unknown, absent or not the file it should be; printed without a stack, exit code 2. */
export class ModelError extends Error {
  override readonly name = 'ModelError';
  constructor(
    readonly code: ModelErrorCode,
    message: string,
    readonly remedy: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

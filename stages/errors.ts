/** What can go wrong inside a stage, for reasons that lie in its inputs or its machine. */
export type StageErrorCode =
  | 'unreadable-file'
  | 'no-video-stream'
  | 'no-frames'
  | 'ffmpeg-missing'
  | 'ffmpeg-failed'
  | 'bad-annotation'
  | 'bad-transcript'
  | 'bad-model'
  | 'bad-features'
  | 'wrong-sample-rate'
  | 'wrong-shape'
  | 'no-valid-labels'
  | 'not-finite'
  | 'no-device'
  | 'unsupported-op'
  | 'bad-weights'
  | 'bad-images';

/** An operating error of a stage: `code` is stable, `remedy` says what to do. */
export class StageError extends Error {
  override readonly name = 'StageError';
  constructor(
    readonly code: StageErrorCode,
    message: string,
    readonly remedy: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

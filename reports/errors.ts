/** What can go wrong when recorded scores are turned into tables. */
export type ReportErrorCode = 'ambiguous-score' | 'unpaired-clips' | 'unknown-format' | 'unknown-section';

/** An operating error of a report: `code` is stable, `remedy` says what to do. */
export class ReportError extends Error {
  override readonly name = 'ReportError';
  constructor(
    readonly code: ReportErrorCode,
    message: string,
    readonly remedy: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Everything that happens during a run, as one closed union. Loggers are its only consumers. */
export type Event =
  | {
      readonly kind: 'run-started';
      readonly experiment: string;
      readonly tasks: number;
      readonly workspace: string;
      readonly run: number;
    }
  | {readonly kind: 'reused'; readonly task: string; readonly stage: string; readonly fingerprint: string}
  | {
      readonly kind: 'started';
      readonly task: string;
      readonly stage: string;
      readonly fingerprint: string;
      /** Why it was not reused; always shown. */
      readonly reason: string;
    }
  | {
      readonly kind: 'progress';
      readonly task: string;
      readonly done: number;
      readonly total: number;
      readonly unit: string;
    }
  | {readonly kind: 'warning'; readonly task: string; readonly message: string}
  | {
      readonly kind: 'produced';
      readonly task: string;
      readonly stage: string;
      readonly fingerprint: string;
      readonly reason: string;
      readonly seconds: number;
      readonly bytes: number;
      readonly notes: Readonly<Record<string, string | number>>;
    }
  | {
      readonly kind: 'failed';
      readonly task: string;
      readonly stage: string;
      readonly code: string;
      readonly message: string;
      readonly remedy?: string;
      /** Only for errors that are not the user's: where to look. */
      readonly stack?: string;
    }
  | {readonly kind: 'skipped'; readonly task: string; readonly stage: string; readonly because: string}
  | {readonly kind: 'note'; readonly message: string}
  | {
      readonly kind: 'run-ended';
      readonly status: 'ok' | 'failed' | 'interrupted';
      readonly seconds: number;
      /** Per stage, in dataflow order. */
      readonly stages: readonly StageCount[];
    };

export interface StageCount {
  readonly stage: string;
  readonly reused: number;
  readonly produced: number;
  readonly failed: number;
  readonly skipped: number;
  readonly seconds: number;
}

export type Emit = (event: Event) => void;

/** The counts of all stages together. */
export function totals(stages: readonly StageCount[]): Record<'reused' | 'produced' | 'failed' | 'skipped', number> {
  const sum = (key: 'reused' | 'produced' | 'failed' | 'skipped') =>
    stages.reduce((total, count) => total + count[key], 0);
  return {reused: sum('reused'), produced: sum('produced'), failed: sum('failed'), skipped: sum('skipped')};
}

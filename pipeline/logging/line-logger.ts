import type {Event} from '../events.js';
import type {Logger} from './logger.js';
import {lineOf} from './words.js';

/** How often a long task says how far it is, where there is no terminal to show it live. */
const PROGRESS_INTERVAL_MS = 30_000;

/** Plain lines, for files and CI. */
export class LineLogger implements Logger {
  #lastProgress = new Map<string, number>();

  constructor(private readonly out: NodeJS.WritableStream) {}

  log(event: Event): void {
    const line = event.kind === 'progress' ? this.#progress(event) : lineOf(event);
    if (line !== undefined) this.out.write(`${line}\n`);
  }

  close(): void {}

  #progress({task, done, total, unit}: Extract<Event, {kind: 'progress'}>): string | undefined {
    const now = performance.now();
    const last = this.#lastProgress.get(task);
    if (last === undefined) this.#lastProgress.set(task, now);
    if (last === undefined || now - last < PROGRESS_INTERVAL_MS) return undefined;
    this.#lastProgress.set(task, now);
    return `running   ${task}: ${done}${total > 0 ? ` of ${total}` : ''} ${unit}`;
  }
}

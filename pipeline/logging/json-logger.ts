import type {Event} from '../events.js';
import type {Logger} from './logger.js';

/** One event per line, as it is. */
export class JsonLogger implements Logger {
  constructor(private readonly out: NodeJS.WritableStream) {}

  log(event: Event): void {
    this.out.write(`${JSON.stringify(event)}\n`);
  }

  close(): void {}
}

import type {Event} from '../events.js';
import type {Logger} from './logger.js';
import {duration, lineOf} from './words.js';

const REDRAW_MS = 100;
const MOST_RUNNING = 8;

/** Lines that stay, and below them a live block: how many tasks are done, and what runs now. */
export class TerminalLogger implements Logger {
  readonly #running = new Map<string, {since: number; progress: string}>();
  readonly #timer: NodeJS.Timeout;
  #total = 0;
  #done = 0;
  #reused = 0;
  #drawn = 0;

  constructor(private readonly out: NodeJS.WriteStream) {
    this.#timer = setInterval(() => this.#draw(), REDRAW_MS);
    this.#timer.unref();
  }

  log(event: Event): void {
    this.#follow(event);
    const line = lineOf(event);
    if (line === undefined) return;
    this.#clear();
    this.out.write(`${line}\n`);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#clear();
  }

  #follow(event: Event): void {
    if (event.kind === 'run-started') this.#total = event.tasks;
    if (event.kind === 'started') this.#running.set(event.task, {since: performance.now(), progress: ''});
    if (event.kind === 'progress') {
      const task = this.#running.get(event.task);
      if (task) task.progress = `${event.done}${event.total > 0 ? `/${event.total}` : ''} ${event.unit}`;
    }
    if (event.kind === 'reused') this.#reused++;
    if (['reused', 'produced', 'failed', 'skipped'].includes(event.kind)) {
      this.#done++;
      this.#running.delete((event as {task: string}).task);
    }
    if (event.kind === 'run-ended') this.close();
  }

  #draw(): void {
    if (this.#running.size === 0) return;
    this.#clear();
    const width = (this.out.columns || 80) - 1;
    const running = [...this.#running]
      .slice(0, MOST_RUNNING)
      .map(([task, {since, progress}]) => `  ${task}  ${progress}  ${duration((performance.now() - since) / 1000)}`);
    const overall =
      this.#total === 0
        ? []
        : [`${bar(this.#done / this.#total)} ${this.#done}/${this.#total} tasks, ${this.#reused} reused`];
    const lines = [...overall, ...running].map((line) => line.slice(0, width));
    this.out.write(`${lines.join('\n')}\n`);
    this.#drawn = lines.length;
  }

  #clear(): void {
    if (this.#drawn > 0) this.out.write(`\u001B[${this.#drawn}A\u001B[0J`);
    this.#drawn = 0;
  }
}

function bar(share: number): string {
  const filled = Math.round(share * 20);
  return `[${'='.repeat(filled)}${' '.repeat(20 - filled)}]`;
}

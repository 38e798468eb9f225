/**
 * Values that ffmpeg logs while it writes samples to another pipe. They may arrive before or after the
 * samples they belong to; the pipe's back-pressure keeps the queue short.
 */
export class LineQueue<Value> {
  readonly #values: Value[] = [];
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(private readonly parse: (line: string) => Value | undefined) {}

  /** Takes a line of the log; lines without a value are ignored. */
  read(line: string): void {
    const value = this.parse(line);
    if (value === undefined) return;
    this.#values.push(value);
    this.#wake?.();
  }

  /** Says that no line will follow. */
  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  /** The next value as soon as it is there; undefined after the last. */
  async next(): Promise<Value | undefined> {
    while (this.#values.length === 0 && !this.#closed) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.#values.shift();
  }
}

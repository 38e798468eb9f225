/** What ffmpeg complained about while it ran, in bounded memory. */
export class Complaints {
  /** Lines at level error or worse. */
  count = 0;
  #first: string | undefined;
  #last: string | undefined;

  constructor(private readonly path: string) {}

  /** Takes a line of the log; only those of level error, fatal and panic count. */
  read(line: string): void {
    if (!/\[(error|fatal|panic)\]/.test(line)) return;
    const text = this.#plain(line);
    if (text === '') return;
    this.count += 1;
    this.#first ??= text;
    this.#last = text;
  }

  /** What ffmpeg said, without addresses and without the path: its first and its last complaint. */
  get said(): string {
    if (this.#first === undefined || this.#last === undefined) return 'ffmpeg gave no reason';
    return this.#first === this.#last ? this.#first : `${this.#first}; ${this.#last}`;
  }

  get first(): string {
    return this.#first ?? '';
  }

  /** Whether reading itself failed, so that another attempt may give other frames. */
  get readFailed(): boolean {
    return /Input\/output error|Stale file handle|Connection timed out/.test(this.said);
  }

  #plain(line: string): string {
    return line
      .replace(/^(\[[^\]]*\] )*/, '')
      .replace(`${this.path}: `, '')
      .replace(` ${this.path}`, '')
      .trim();
  }
}

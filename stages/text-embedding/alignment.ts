/** Words on video frames. */

export interface TimedWord {
  readonly startSeconds: number;
  readonly endSeconds: number;
}

/**
 * Tells for rising frame times which word is being spoken: the one with start < t ≤ end, as RCMA's preprocessing
 * aligns words. Of words that overlap, the one that started last.
 */
export class WordCursor {
  #next = 0;
  #open: number[] = [];

  /** @param words In order of start. */
  constructor(private readonly words: readonly TimedWord[]) {}

  /** Index of the word spoken at `timeSeconds`, or -1. Times must not fall from call to call. */
  advance(timeSeconds: number): number {
    while (this.#next < this.words.length && this.words[this.#next]!.startSeconds < timeSeconds)
      this.#open.push(this.#next++);
    this.#open = this.#open.filter((index) => this.words[index]!.endSeconds >= timeSeconds);
    return this.#open.at(-1) ?? -1;
  }
}

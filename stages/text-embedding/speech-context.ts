/** What was said in the last seconds, for frames between the words. */
import type {TimedWord} from './alignment.js';

export const contextWidth = 4;

/** About four words per second is fast English speech; the rate is given in this unit to lie near 1. */
const fastWordsPerSecond = 4;

/**
 * Sums over all words begun before a frame, each weighted by exp(-(t - start) / holdSeconds). Causal: no frame
 * sees a word that begins after it.
 */
export class SpeechContext {
  #next = 0;
  #timeSeconds = 0;
  #positive = 0;
  #negative = 0;
  #feeling = 0;
  #all = 0;

  /**
   * @param words In order of start.
   * @param valence One value in [-1, 1] per word.
   * @param holdSeconds Time in which a word's weight falls to 1/e.
   */
  constructor(
    private readonly words: readonly TimedWord[],
    private readonly valence: Float32Array,
    private readonly holdSeconds: number,
  ) {}

  /**
   * Moves to the time of a frame, which must not fall from call to call.
   * @returns [mean valence of the words that have one, share of positive and share of negative feeling among all
   *   words, word rate]. The means count one more word without feeling, so that they fade to 0 in silence.
   */
  advance(timeSeconds: number): [number, number, number, number] {
    this.#fade(timeSeconds);
    while (this.#next < this.words.length && this.words[this.#next]!.startSeconds < timeSeconds)
      this.#add(this.#next++, timeSeconds);
    return [
      (this.#positive - this.#negative) / (this.#feeling + 1),
      this.#positive / (this.#all + 1),
      this.#negative / (this.#all + 1),
      this.#all / this.holdSeconds / fastWordsPerSecond,
    ];
  }

  #fade(timeSeconds: number): void {
    const weight = Math.exp((this.#timeSeconds - timeSeconds) / this.holdSeconds);
    this.#timeSeconds = timeSeconds;
    this.#positive *= weight;
    this.#negative *= weight;
    this.#feeling *= weight;
    this.#all *= weight;
  }

  #add(index: number, timeSeconds: number): void {
    const weight = Math.exp((this.words[index]!.startSeconds - timeSeconds) / this.holdSeconds);
    const valence = this.valence[index]!;
    this.#positive += weight * Math.max(0, valence);
    this.#negative += weight * Math.max(0, -valence);
    this.#feeling += valence === 0 ? 0 : weight;
    this.#all += weight;
  }
}

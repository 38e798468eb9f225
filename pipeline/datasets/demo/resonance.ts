/** A second-order resonance with gain 1 at 0 Hz (Klatt 1980, eq. 1 to 2). */
export class Resonance {
  #a = 1;
  #b = 0;
  #c = 0;
  #last = 0;
  #lastButOne = 0;

  tune(hertz: number, bandwidthHz: number, sampleRateHz: number): void {
    this.#c = -Math.exp((-2 * Math.PI * bandwidthHz) / sampleRateHz);
    this.#b = 2 * Math.exp((-Math.PI * bandwidthHz) / sampleRateHz) * Math.cos((2 * Math.PI * hertz) / sampleRateHz);
    this.#a = 1 - this.#b - this.#c;
  }

  next(input: number): number {
    const output = this.#a * input + this.#b * this.#last + this.#c * this.#lastButOne;
    this.#lastButOne = this.#last;
    this.#last = output;
    return output;
  }
}

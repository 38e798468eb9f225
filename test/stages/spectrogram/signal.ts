/** The signal of test/fixtures/reference/log-mel.py and mfcc.py, sample by sample. */
export function referenceSignal(sampleRateHz: number, count: number): Float32Array {
  let state = 1;
  return Float32Array.from({length: count}, (_, n) => {
    const t = n / sampleRateHz;
    const tone = 0.4 * Math.sin(2 * Math.PI * (150 * t + 900 * t * t)) * (0.6 + 0.4 * Math.cos(2 * Math.PI * 3 * t));
    state = (state * 16_807) % 2_147_483_647;
    return t > 0.8 && t < 1 ? 0 : tone + 0.05 * (state / 2_147_483_647 - 0.5);
  });
}

/** Rows of an audio shard that hold these samples. */
export function audioRows(samples: Float32Array, sampleRateHz: number) {
  return Array.from({length: Math.ceil(samples.length / sampleRateHz)}, (_, startSeconds) => {
    const part = samples.slice(startSeconds * sampleRateHz, (startSeconds + 1) * sampleRateHz);
    const filled = new Float32Array(sampleRateHz);
    filled.set(part);
    return {startSeconds, sampleRateHz, sampleCount: part.length, samples: filled};
  });
}

/** Cuts a stream of samples into overlapping windows, holding one chunk and the overlap. */

/**
 * Yields every window of `windowSamples` samples that fits, one per `hopSamples`. The array is reused: read it
 * before asking for the next.
 */
export async function* slidingWindows(
  chunks: AsyncIterable<Float32Array>,
  windowSamples: number,
  hopSamples: number,
): AsyncGenerator<Float32Array, void, undefined> {
  let held = new Float32Array(0);
  let skip = 0;
  for await (const chunk of chunks) {
    held = joined(held, chunk);
    let start = Math.min(skip, held.length);
    skip -= start;
    for (; start + windowSamples <= held.length; start += hopSamples) yield held.subarray(start, start + windowSamples);
    // With a hop longer than the window, the next one may start in a chunk to come.
    skip += Math.max(0, start - held.length);
    held = held.slice(Math.min(start, held.length));
  }
}

/** Adds `count` mirrored samples at both ends, the end sample itself not repeated (numpy's and PyTorch's 'reflect'). */
export async function* reflected(
  chunks: AsyncIterable<Float32Array>,
  count: number,
): AsyncGenerator<Float32Array, void, undefined> {
  let started = false;
  let held = new Float32Array(0);
  for await (const chunk of chunks) {
    held = joined(held, chunk);
    if (held.length <= count) continue;
    if (!started) yield mirror(held, count, (k) => count - k);
    started = true;
    yield held.slice(0, held.length - count - 1);
    held = held.slice(held.length - count - 1);
  }
  if (held.length === 0) return;
  const length = held.length;
  if (!started) yield mirror(held, count, (k) => count - k);
  yield held;
  yield mirror(held, count, (k) => length - 2 - k);
}

/** `count` samples at the given positions, those outside folded back at the ends as often as it takes. */
function mirror(samples: Float32Array, count: number, position: (k: number) => number): Float32Array {
  const last = samples.length - 1;
  return Float32Array.from({length: count}, (_, k) => {
    if (last === 0) return samples[0]!;
    const folded = Math.abs(position(k)) % (2 * last);
    return samples[folded > last ? 2 * last - folded : folded]!;
  });
}

function joined(a: Float32Array, b: Float32Array): Float32Array<ArrayBuffer> {
  const both = new Float32Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** Hann window 0.5 - 0.5 cos(2πn / length), periodic, centred in an array of `paddedLength` samples. */
export function hann(length: number, paddedLength = length): Float64Array {
  const window = new Float64Array(paddedLength);
  const start = (paddedLength - length) >> 1;
  for (let n = 0; n < length; n++) window[start + n] = 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / length);
  return window;
}

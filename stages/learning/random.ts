/**
 * Random numbers as a pure function of (seed, stream name, position). There is no hidden state, so a training that
 * is resumed at step 1000 draws what it would have drawn. Generator: Philox4x32-10 (Salmon et al., "Parallel random
 * numbers: as easy as 1, 2, 3", SC 2011).
 */

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;
const WORDS_PER_BLOCK = 4;

/** The numbers of one stream at one position. Every method starts at the first number: one stream, one purpose. */
export interface Draw {
  /** Uniform 32-bit words. */
  bits(count: number): Uint32Array;
  /** Uniform in [low, high). */
  uniform(count: number, low?: number, high?: number): Float32Array;
  /** Normal with the given mean and standard deviation. */
  normal(count: number, mean?: number, deviation?: number): Float32Array;
  /** The numbers 0 … count − 1 in random order. */
  permutation(count: number): Int32Array;
  /**
   * Dropout mask: 0 with probability `rate`, else 1 / (1 − rate). `rate` is met to within 2⁻¹⁷. `into` is filled and
   * returned where given.
   */
  mask(count: number, rate: number, into?: Float32Array): Float32Array;
}

export interface Random {
  stream(name: string): {at(position: number): Draw};
}

/** Opens the generator of a seed (a non-negative safe integer). */
export function random(seed: number): Random {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`Expected \`seed\` to be a non-negative integer, got \`${String(seed)}\``);
  }
  const key: Words2 = [seed >>> 0, Math.floor(seed / 2 ** 32)];
  return {
    stream: (name) => {
      const [low, high] = [hash(name, 0x811c9dc5), hash(name, 0x5bd1e995)];
      return {at: (position) => drawOf((count) => words(count, [0, position >>> 0, low, high], key))};
    },
  };
}

function drawOf(bits: (count: number) => Uint32Array): Draw {
  return {
    bits,
    uniform: (count, low = 0, high = 1) => uniformOf(bits(count), low, high),
    normal: (count, mean = 0, deviation = 1) => boxMuller(bits(count + (count % 2)), count, mean, deviation),
    permutation: (count) => shuffled(bits(count)),
    mask: (count, rate, into = new Float32Array(count)) => maskOf(bits(4), rate, into),
  };
}

/** The upper 24 bits of a word make a number in [0, 1) that float32 holds exactly. */
function uniformOf(bits: Uint32Array, low: number, high: number): Float32Array {
  const out = new Float32Array(bits.length);
  const step = (high - low) * 2 ** -24;
  for (let i = 0; i < out.length; i++) out[i] = low + step * (bits[i]! >>> 8);
  return out;
}

function boxMuller(bits: Uint32Array, count: number, mean: number, deviation: number): Float32Array {
  const out = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log((bits[i]! + 1) * 2 ** -32));
    const angle = 2 * Math.PI * bits[i + 1]! * 2 ** -32;
    out[i] = mean + radius * Math.cos(angle);
    if (i + 1 < count) out[i + 1] = mean + radius * Math.sin(angle);
  }
  return out;
}

/** Fisher and Yates; the bias of taking a word modulo the range is below count / 2³². */
function shuffled(bits: Uint32Array): Int32Array {
  const order = Int32Array.from(bits, (_, i) => i);
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(bits[i]! * 2 ** -32 * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/**
 * A large model needs millions of mask elements per step, so Philox only seeds a sequential generator here:
 * xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", TOMS 2021). Each of its words
 * decides two elements by sixteen bits.
 */
function maskOf(seed: Uint32Array, rate: number, out: Float32Array): Float32Array {
  const last = Math.round(rate * 65536) - 1;
  // Written as bits: a sign bit that says whether a half exceeds `last` becomes all ones or zeros, without a branch that
  // would be mispredicted at every dropped element.
  const bits = new Int32Array(out.buffer, out.byteOffset, out.length);
  const kept = new Int32Array(Float32Array.of(rate < 1 ? 1 / (1 - rate) : 0).buffer)[0]!;
  // `| 1`: the state must not be zero throughout.
  let s0 = seed[0]! | 1;
  let s1 = seed[1]! | 0;
  let s2 = seed[2]! | 0;
  let s3 = seed[3]! | 0;
  for (let i = 0; i < bits.length; i += 2) {
    const product = Math.imul(s1, 5);
    const word = Math.imul((product << 7) | (product >>> 25), 9);
    const shifted = s1 << 9;
    s2 ^= s0;
    s3 ^= s1;
    s1 ^= s2;
    s0 ^= s3;
    s2 ^= shifted;
    s3 = (s3 << 11) | (s3 >>> 21);
    bits[i] = ((last - (word >>> 16)) >> 31) & kept;
    bits[i + 1] = ((last - (word & 0xffff)) >> 31) & kept;
  }
  return out;
}

/** FNV-1a over UTF-16 code units. */
function hash(text: string, offset: number): number {
  let value = offset;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}

type Words2 = readonly [number, number];
type Words4 = readonly [number, number, number, number];

/** The first `count` words of the blocks at `counter`, `counter` + 1, … (first counter word). */
export function words(count: number, counter: Words4, key: Words2): Uint32Array {
  const blocks = Math.ceil(count / WORDS_PER_BLOCK);
  const out = new Uint32Array(blocks * WORDS_PER_BLOCK);
  for (let block = 0; block < blocks; block++) {
    let x0 = (counter[0] + block) | 0;
    let x1 = counter[1] | 0;
    let x2 = counter[2] | 0;
    let x3 = counter[3] | 0;
    let k0 = key[0] | 0;
    let k1 = key[1] | 0;
    for (let round = 0; round < ROUNDS; round++) {
      const high0 = multiplyHigh(MULTIPLIER_0, x0);
      const high1 = multiplyHigh(MULTIPLIER_1, x2);
      const low0 = Math.imul(MULTIPLIER_0, x0);
      const low1 = Math.imul(MULTIPLIER_1, x2);
      x0 = high1 ^ x1 ^ k0;
      x1 = low1;
      x2 = high0 ^ x3 ^ k1;
      x3 = low0;
      k0 = (k0 + WEYL_0) | 0;
      k1 = (k1 + WEYL_1) | 0;
    }
    const at = block * WORDS_PER_BLOCK;
    out[at] = x0;
    out[at + 1] = x1;
    out[at + 2] = x2;
    out[at + 3] = x3;
  }
  return out.subarray(0, count);
}

/** The upper 32 bits of the 64-bit product, from 16-bit parts: JavaScript has no such instruction. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16);
  // No partial sum reaches 2³², because (2¹⁶ − 1)² + 2¹⁶ − 1 does not; `>>>` reads it as unsigned again.
  const cross = Math.imul(aLow, bHigh) + (middle & 0xffff);
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (cross >>> 16)) | 0;
}

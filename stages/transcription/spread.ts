/** From cues to words: whoever gives no time for each word gets words in proportion to their length. */
import type {Cue, Piece, Word} from './word.js';

/** Square brackets describe sounds, or are a recogniser's marks: `[Music]`, `[BLANK_AUDIO]`. */
const soundDescription = /\[[^\]\n]*\]/gu;
/**
 * White space parts words. Chinese and Japanese have none: each character is a word, with the marks around it, as
 * Whisper times them and BERT reads them. Dictionaries of words differ between versions of Node.
 */
const wordPattern =
  /\p{P}*[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}][ー\p{M}\p{P}]*|[^\s\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]+/gu;
/** A word has a letter or a digit; dashes and notes that stand alone are not spoken. */
const spoken = /[\p{L}\p{N}]/u;

interface Span {
  readonly startSeconds: number;
  readonly secondsPerLetter: number;
  readonly firstLetter: number;
}

/**
 * Spreads the text of a cue over its time. Within a piece every character (space excluded) takes equally long;
 * a word that runs over several pieces starts in the first and ends in the last.
 */
export function spreadWords(cue: Cue): Word[] {
  const pieces = withoutSounds(cue);
  const spans = spansOf(pieces, cue.endSeconds);
  const words: Word[] = [];
  let letters = 0;
  for (const word of pieces
    .map((piece) => piece.text)
    .join('')
    .match(wordPattern) ?? []) {
    const first = letters;
    letters += lettersOf(word);
    if (!spoken.test(word)) continue;
    words.push({startSeconds: startOf(spans, first), endSeconds: endOf(spans, letters), word});
  }
  return words;
}

/** Removes sound descriptions. */
function withoutSounds(cue: Cue): Piece[] {
  return cue.pieces.map((piece) => ({...piece, text: piece.text.replace(soundDescription, ' ')}));
}

function spansOf(pieces: readonly Piece[], cueEndSeconds: number): Span[] {
  let firstLetter = 0;
  return pieces.map(({startSeconds, text}, position) => {
    // A recogniser's segment that ends before it starts gets no length, as in `placeWords`.
    const seconds = Math.max(0, (pieces[position + 1]?.startSeconds ?? cueEndSeconds) - startSeconds);
    const letters = lettersOf(text);
    const span = {startSeconds, secondsPerLetter: letters === 0 ? 0 : seconds / letters, firstLetter};
    firstLetter += letters;
    return span;
  });
}

/** Time at which the letter begins: in the last span that does not start behind it. */
function startOf(spans: readonly Span[], letter: number): number {
  return timeIn(
    spans.findLast((span) => span.firstLetter <= letter)!,
    letter,
  );
}

/** Time at which the letter before this position ends: a word that fills a piece ends with the piece. */
function endOf(spans: readonly Span[], letter: number): number {
  return timeIn(
    spans.findLast((span) => span.firstLetter < letter)!,
    letter,
  );
}

function timeIn(span: Span, letter: number): number {
  return span.startSeconds + (letter - span.firstLetter) * span.secondsPerLetter;
}

/** Counts code points other than white space, so that a letter outside the basic plane counts once. */
function lettersOf(text: string): number {
  return Array.from(text.replace(/\s+/gu, '')).length;
}

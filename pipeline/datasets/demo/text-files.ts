/** The text files of a clip: its annotation in Aff-Wild2's format, its transcript as WebVTT. */
import type {ClipPlan} from './clip-plan.js';
import type {Sentence} from './speech.js';

/** Aff-Wild2's mark of a frame that nobody annotated. */
const notAnnotated = '-5,-5';

const surplusLines = 3;
const missingLines = 4;

/** One line per frame behind the header, except where the clip's fault is another count. */
export function annotationText({feeling, frameSeconds, faults}: ClipPlan): string {
  const marked = faults.includes('unannotated-frames');
  const lines = frameSeconds.map((time, frame) =>
    marked && isUnmarked(frame, frameSeconds.length)
      ? notAnnotated
      : `${feeling.valence(time).toFixed(3)},${feeling.arousal(time).toFixed(3)}`,
  );
  if (faults.includes('annotation-too-long')) lines.push(...Array<string>(surplusLines).fill(lines.at(-1)!));
  if (faults.includes('annotation-too-short')) lines.splice(-missingLines);
  return ['valence,arousal', ...lines, ''].join('\n');
}

/** The first frames, and a tenth of the clip in its middle. */
function isUnmarked(frame: number, frameCount: number): boolean {
  return frame < 5 || (frame >= 0.5 * frameCount && frame < 0.6 * frameCount);
}

/** One cue per sentence with a time for each word, where `wordTimes`; else only the sentence is timed. */
export function transcriptText(sentences: readonly Sentence[], wordTimes: boolean): string {
  const cues = sentences.map(({words}, index) => {
    const text = words.map(({word, startSeconds}, position) =>
      wordTimes && position > 0 ? `<${timestamp(startSeconds)}>${word}` : word,
    );
    return `${index + 1}\n${timestamp(words[0]!.startSeconds)} --> ${timestamp(words.at(-1)!.endSeconds)}\n${text.join(' ')}\n`;
  });
  return ['WEBVTT\n', 'NOTE Written by the generator of the demo data set.\n', ...cues].join('\n');
}

function timestamp(seconds: number): string {
  const total = Math.round(seconds * 1000);
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  return `${two(total / 3_600_000)}:${two((total / 60_000) % 60)}:${two((total / 1000) % 60)}.${String(total % 1000).padStart(3, '0')}`;
}

/** Times as subtitles write them: hours optional, point or comma before the milliseconds. */

const timestamp = /^(?:(\d+):)?([0-5]?\d):([0-5]\d)(?:[.,](\d{1,3}))?$/u;

/** Reads `[hh:]mm:ss[.mmm]` in seconds; undefined where the text is no time. */
export function secondsOf(text: string): number | undefined {
  const match = timestamp.exec(text);
  if (!match) return undefined;
  const [, hours = '0', minutes = '0', seconds = '0', fraction = '0'] = match;
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) + Number(fraction.padEnd(3, '0')) / 1000;
}

/** Finds the line of the user's code that led to a traced operation. */

/** A frame of the tfjs packages themselves, however they are installed. */
const LIBRARY_FRAME = /[\\/]@tensorflow[\\/]/;

/**
 * The first frame below those of tfjs: kernels are called by tfjs, and tfjs by the user's step.
 * Returns 'file:line:column', or 'an unknown line' where the engine keeps no stack.
 */
export function callerLine(stack: string | undefined): string {
  const places = (stack ?? '')
    .split('\n')
    .flatMap((line) => /^\s+at (?:.*\()?([^()]+:\d+:\d+)\)?$/.exec(line)?.[1] ?? []);
  const first = places.findIndex((place) => LIBRARY_FRAME.test(place));
  const caller = places.slice(Math.max(0, first)).find((place) => !LIBRARY_FRAME.test(place));
  return caller?.replace(/^file:\/\//, '') ?? 'an unknown line';
}

/** Runs `read` with a stack deep enough to reach through nested tfjs operations. */
export function withDeepStack<T>(read: () => T): T {
  const {stackTraceLimit} = Error;
  Error.stackTraceLimit = 60;
  try {
    return read();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

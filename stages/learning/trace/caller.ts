/** Finds the line of the user's code that led to a traced operation. */

/** A frame of the tfjs packages themselves, however they are installed. */
const LIBRARY_FRAME = /[\\/]@tensorflow[\\/]/;

/**
 * The first frame below those of tfjs: kernels are called by tfjs, and tfjs by the user's step.
 * Returns 'file:line:column', or 'an unknown line' where the engine keeps no stack.
 */
export function callerLine(stack: string | undefined): string {
  const frames = (stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const first = frames.findIndex((frame) => LIBRARY_FRAME.test(frame));
  const caller = frames.slice(Math.max(0, first)).find((frame) => !LIBRARY_FRAME.test(frame));
  const place = caller?.trim().replace(/^at /, '');
  const location = place?.match(/\(([^()]*)\)$/)?.[1] ?? place;
  return location === undefined ? 'an unknown line' : location.replace(/^file:\/\//, '');
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

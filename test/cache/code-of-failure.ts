import {CacheError} from '../../cache/errors.js';
import type {CacheErrorCode} from '../../cache/errors.js';

/** Returns the code of the CacheError an action fails with, or what else happened. */
export async function codeOfFailure(action: () => unknown): Promise<CacheErrorCode | string> {
  try {
    await action();
    return 'no failure';
  } catch (error) {
    return error instanceof CacheError ? error.code : String(error);
  }
}

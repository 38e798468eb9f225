/** What is told of an error: to the user at once, or of a task that failed by it. */
import {CacheError} from '../cache/errors.js';
import {StageError} from '../stages/errors.js';
import {ModelError} from './models/errors.js';
import type {TaskFailure} from './request.js';

/** Whether it says itself what to do, as a full disk does, so that it is nobody's defect. */
export function isOperating(error: unknown): error is CacheError | ModelError | StageError {
  return error instanceof CacheError || error instanceof ModelError || error instanceof StageError;
}

/** An operating error keeps its code and remedy; anything else is a defect and keeps its stack. */
export function failureOf(error: unknown): TaskFailure {
  if (isOperating(error)) return {code: error.code, message: error.message, remedy: error.remedy};
  const {message, stack} = error instanceof Error ? error : new Error(String(error));
  return {code: 'internal', message, ...(stack === undefined ? {} : {stack})};
}

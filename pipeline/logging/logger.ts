/** The only way to the screen: a logger is told events and decides what a person, or a program, sees of them. */
import type {Event} from '../events.js';
import {JsonLogger} from './json-logger.js';
import {LineLogger} from './line-logger.js';
import {TerminalLogger} from './terminal-logger.js';

export interface Logger {
  log(event: Event): void;
  /** Leaves the screen as it should stay. */
  close(): void;
}

/** JSON events if asked for; a live display on a terminal; plain lines elsewhere. */
export function makeLogger({json, out = process.stdout}: {json: boolean; out?: NodeJS.WriteStream}): Logger {
  if (json) return new JsonLogger(out);
  return out.isTTY ? new TerminalLogger(out) : new LineLogger(out);
}

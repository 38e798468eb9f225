/** All systems by name, in the order of the papers' tables. */
import type {System} from '../system.js';
import {concatenation} from './concatenation.js';
import {rcma} from './rcma.js';
import {audio, text, visual} from './single.js';

export const systems: Readonly<Record<string, System>> = Object.fromEntries(
  [audio, visual, text, concatenation, rcma].map((system) => [system.name, system]),
);

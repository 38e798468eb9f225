/** All systems by name: single modalities, baselines, and the four published systems this project is about. */
import type {System} from '../system.js';
import {ca} from './ca.js';
import {concatenation} from './concatenation.js';
import {grjca} from './grjca.js';
import {jca} from './jca.js';
import {jmt} from './jmt.js';
import {lfan} from './lfan.js';
import {rcma} from './rcma.js';
import {rjca} from './rjca.js';
import {audio, text, visual} from './single.js';

const all: readonly System[] = [audio, visual, text, concatenation, lfan, ca, jca, rjca, rcma, grjca, jmt];

export const systems: Readonly<Record<string, System>> = Object.fromEntries(all.map((system) => [system.name, system]));

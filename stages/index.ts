/** The stages, in the order the data flow. */
import {acousticBackboneTraining} from './acoustic-backbone-training.js';
import {acousticEmbedding} from './acoustic-embedding.js';
import {annotation} from './annotation.js';
import {backboneTraining} from './backbone-training.js';
import {demux} from './demux.js';
import {faceAlignment} from './face-alignment.js';
import {foldEvaluation} from './fold-evaluation.js';
import {fusionTraining} from './fusion-training.js';
import {robustness} from './robustness.js';
import {spectrogram} from './spectrogram.js';
import type {Stage} from './stage.js';
import {textEmbedding} from './text-embedding.js';
import {transcription} from './transcription.js';
import {visualEmbedding} from './visual-embedding.js';

/**
 * Seen from outside, a stage is what it declares; the types of its own inputs and parameters matter only to
 * its `run`, which the worker calls with what the declaration promised.
 */
export const stages = [
  demux,
  faceAlignment,
  spectrogram,
  transcription,
  annotation,
  visualEmbedding,
  acousticEmbedding,
  textEmbedding,
  backboneTraining,
  acousticBackboneTraining,
  fusionTraining,
  foldEvaluation,
  robustness,
] as unknown as readonly Stage[];

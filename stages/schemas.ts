/**
 * Every kind of shard that a stage writes: the data dictionary. A stage names these objects as its inputs
 * and outputs; each kind has exactly one producer, and that is how the pipeline finds its order.
 */
import type {ShardSchema} from '../cache/shard.js';

/** demux: one row per decoded video frame, in presentation order. */
export const timeline = {
  kind: 'timeline',
  columns: {
    frameIndex: {type: 'i32', unit: '1', doc: 'Zero-based position of the frame in presentation order.'},
    timeSeconds: {type: 'f64', unit: 's', doc: 'Presentation time, counted from the first frame of the video.'},
  },
  batchRows: 8192,
} as const satisfies ShardSchema;

/** demux: mono audio, one row per second; no rows where the video has no audio stream. */
export const audio = {
  kind: 'audio',
  columns: {
    startSeconds: {
      type: 'f64',
      unit: 's',
      doc: 'Time of the first sample, on the clock of the timeline (row 0 is at 0 s).',
    },
    sampleRateHz: {type: 'i32', unit: 'Hz', doc: 'Samples per second; the same in every row.'},
    sampleCount: {type: 'i32', unit: '1', doc: 'Samples that are real; the last row is filled up with zeros.'},
    samples: {type: 'f32s', unit: '1', doc: 'One second of samples in [-1, 1].'},
  },
  batchRows: 16,
} as const satisfies ShardSchema;

/** face-alignment: one row per frame of the timeline. */
export const faces = {
  kind: 'faces',
  columns: {
    frameIndex: {type: 'i32', unit: '1', doc: 'Frame of the timeline.'},
    timeSeconds: {type: 'f64', unit: 's', doc: 'Presentation time of the frame.'},
    found: {type: 'bool', unit: '1', doc: 'Whether a face was found; where not, the image is black.'},
    score: {
      type: 'f32',
      unit: '1',
      doc: 'Confidence of the detector in [0, 1]; 0 where no face was found, NaN where the data set published the crop.',
    },
    box: {
      type: 'f32s',
      unit: 'px',
      doc: 'Left, top, width, height of the face in the video frame; all 0 where not known: no face, or a published crop.',
    },
    landmarks: {
      type: 'f32s',
      unit: 'px',
      doc: 'x, y of left eye, right eye, nose tip, left and right mouth corner, as seen in the video frame; all 0 where not known: no face, or a published crop.',
    },
    transform: {
      type: 'f32s',
      unit: '1',
      doc: 'Row-major 2 x 3 similarity from video frame to the 112-pixel crop; all 0 where not known: no face, or a published crop.',
    },
    image: {type: 'bytes', unit: '1', doc: 'The aligned crop as an encoded RGB image.'},
  },
  batchRows: 256,
} as const satisfies ShardSchema;

/** spectrogram: one row per hop of the short-time Fourier transform. */
export const logMel = {
  kind: 'log-mel',
  columns: {
    timeSeconds: {
      type: 'f64',
      unit: 's',
      doc: 'Time of the centre of the analysis window on the clock of the timeline.',
    },
    bands: {
      type: 'f32s',
      unit: 'log power or dB',
      doc: 'Mel bands, lowest first; scale and normalisation as the parameters say.',
    },
  },
  batchRows: 4096,
} as const satisfies ShardSchema;

/** transcription: one row per spoken word, in order of start time. */
export const words = {
  kind: 'words',
  columns: {
    startSeconds: {type: 'f64', unit: 's', doc: 'Start of the word.'},
    endSeconds: {type: 'f64', unit: 's', doc: 'End of the word; never before its start.'},
    word: {type: 'text', unit: '1', doc: 'The word as written, punctuation included.'},
  },
  batchRows: 4096,
} as const satisfies ShardSchema;

const frameVector = {
  frameIndex: {type: 'i32', unit: '1', doc: 'Frame of the timeline.'},
  vector: {type: 'f32s', unit: '1', doc: 'Embedding of the frame.'},
} as const;

/** visual-embedding: one row per frame. */
export const visual = {kind: 'visual', columns: frameVector, batchRows: 512} as const satisfies ShardSchema;
/** acoustic-embedding: one row per frame. */
export const acoustic = {kind: 'acoustic', columns: frameVector, batchRows: 512} as const satisfies ShardSchema;
/** text-embedding: one row per frame. */
export const linguistic = {kind: 'linguistic', columns: frameVector, batchRows: 512} as const satisfies ShardSchema;

/** annotation: one row per frame of the timeline, whatever the length of the annotation file. */
export const labels = {
  kind: 'labels',
  columns: {
    frameIndex: {type: 'i32', unit: '1', doc: 'Frame of the timeline.'},
    valence: {type: 'f32', unit: '1', doc: 'Valence in [-1, 1]; 0 where not valid.'},
    arousal: {type: 'f32', unit: '1', doc: 'Arousal in [-1, 1]; 0 where not valid.'},
    valid: {type: 'bool', unit: '1', doc: 'Whether both values were annotated and lie in [-1, 1].'},
  },
  batchRows: 4096,
} as const satisfies ShardSchema;

const tuned = {
  validation: {type: 'bool', unit: '1', doc: 'Whether the clip is in the validation list of the fold.'},
  clipIndex: {type: 'i32', unit: '1', doc: "Position of the clip in the fold's training or validation list."},
  ...frameVector,
} as const;

const namedTensor = {
  name: {type: 'text', unit: '1', doc: 'Name of the tensor, as in the state dict of its authors.'},
  shape: {type: 'text', unit: '1', doc: 'Shape as a JSON array.'},
  values: {type: 'bytes', unit: '1', doc: 'Little-endian float32 values in row-major order.'},
} as const;

const backboneEpoch = {
  epoch: {type: 'i32', unit: '1', doc: 'Epoch, from 0.'},
  releasedGroups: {type: 'i32', unit: '1', doc: 'Groups of the network that were trained, beside its head.'},
  learningRate: {type: 'f64', unit: '1', doc: 'Learning rate at the end of the epoch.'},
  trainLoss: {type: 'f64', unit: '1', doc: 'Mean training loss of the epoch.'},
  validationValence: {type: 'f64', unit: '1', doc: 'Validation CCC of valence; NaN where it is not predicted.'},
  validationArousal: {type: 'f64', unit: '1', doc: 'Validation CCC of arousal; NaN where it is not predicted.'},
  best: {type: 'bool', unit: '1', doc: 'Whether this epoch was the best so far.'},
} as const;

/** backbone-training: one row per frame of each clip of the fold, training clips first. */
export const tunedVisual = {kind: 'tuned-visual', columns: tuned, batchRows: 512} as const satisfies ShardSchema;
/** acoustic-backbone-training: one row per frame of each clip of the fold, training clips first. */
export const tunedAcoustic = {kind: 'tuned-acoustic', columns: tuned, batchRows: 512} as const satisfies ShardSchema;

/** backbone-training: weights and running statistics of the best epoch, those of the head under 'head.'. */
export const backboneWeights = {
  kind: 'backbone-weights',
  columns: namedTensor,
  batchRows: 16,
} as const satisfies ShardSchema;
/** acoustic-backbone-training: the same for the acoustic backbone. */
export const acousticBackboneWeights = {
  kind: 'acoustic-backbone-weights',
  columns: namedTensor,
  batchRows: 16,
} as const satisfies ShardSchema;

/** backbone-training: one row per epoch. */
export const backboneCurve = {
  kind: 'backbone-curve',
  columns: backboneEpoch,
  batchRows: 1024,
} as const satisfies ShardSchema;
/** acoustic-backbone-training: one row per epoch. */
export const acousticBackboneCurve = {
  kind: 'acoustic-backbone-curve',
  columns: backboneEpoch,
  batchRows: 1024,
} as const satisfies ShardSchema;

/** fusion-training: the trained parameters of the best epoch. */
export const weights = {
  kind: 'weights',
  columns: {
    model: {type: 'text', unit: '1', doc: "Which model of the task: 'valence', 'arousal', or 'both'."},
    name: {type: 'text', unit: '1', doc: 'Name of the tensor.'},
    shape: {type: 'text', unit: '1', doc: 'Shape as a JSON array.'},
    values: {type: 'bytes', unit: '1', doc: 'Little-endian float32 values in row-major order.'},
  },
  batchRows: 16,
} as const satisfies ShardSchema;

/** fusion-training: one row per epoch. */
export const curve = {
  kind: 'curve',
  columns: {
    model: {type: 'text', unit: '1', doc: "Which model of the task: 'valence', 'arousal', or 'both'."},
    epoch: {type: 'i32', unit: '1', doc: 'Epoch, from 0.'},
    learningRate: {type: 'f64', unit: '1', doc: 'Learning rate at the end of the epoch.'},
    trainLoss: {type: 'f64', unit: '1', doc: 'Mean training loss of the epoch.'},
    validationValence: {
      type: 'f64',
      unit: '1',
      doc: 'Validation CCC of valence; NaN where this model does not predict it.',
    },
    validationArousal: {
      type: 'f64',
      unit: '1',
      doc: 'Validation CCC of arousal; NaN where this model does not predict it.',
    },
    best: {type: 'bool', unit: '1', doc: 'Whether this epoch was the best so far.'},
  },
  batchRows: 1024,
} as const satisfies ShardSchema;

/** fusion-training: one row per frame of each validation clip, windows averaged where they overlap. */
export const predictions = {
  kind: 'predictions',
  columns: {
    clipIndex: {type: 'i32', unit: '1', doc: "Position of the clip in the fold's validation list."},
    frameIndex: {type: 'i32', unit: '1', doc: 'Frame of the timeline.'},
    valence: {type: 'f32', unit: '1', doc: 'Predicted valence.'},
    arousal: {type: 'f32', unit: '1', doc: 'Predicted arousal.'},
  },
  batchRows: 8192,
} as const satisfies ShardSchema;

/** fold-evaluation: one row per target, scope and variant of the metric. */
export const scores = {
  kind: 'scores',
  columns: {
    target: {type: 'text', unit: '1', doc: "'valence' or 'arousal'."},
    clipIndex: {
      type: 'i32',
      unit: '1',
      doc: "Position of the clip in the fold's validation list; -1 for the whole fold.",
    },
    variant: {
      type: 'text',
      unit: '1',
      doc: "Definition of the metric: 'population' (D12), or a variant of released code.",
    },
    ccc: {type: 'f64', unit: '1', doc: 'Concordance correlation coefficient.'},
    pearson: {type: 'f64', unit: '1', doc: 'Pearson correlation; NaN where a side is constant.'},
    rmse: {type: 'f64', unit: '1', doc: 'Root mean squared error.'},
    frameCount: {type: 'i32', unit: '1', doc: 'Valid frames that entered the score.'},
  },
  batchRows: 1024,
} as const satisfies ShardSchema;

/** fold-evaluation: one row per target and clip; enough to compute the CCC of any set of clips. */
export const moments = {
  kind: 'moments',
  columns: {
    target: {type: 'text', unit: '1', doc: "'valence' or 'arousal'."},
    clipIndex: {type: 'i32', unit: '1', doc: "Position of the clip in the fold's validation list."},
    frameCount: {type: 'i32', unit: '1', doc: 'Valid frames; clips without any have no row.'},
    meanPrediction: {type: 'f64', unit: '1', doc: 'Mean of the predictions of the valid frames.'},
    meanLabel: {type: 'f64', unit: '1', doc: 'Mean of their labels.'},
    variancePrediction: {type: 'f64', unit: '1', doc: 'Population variance of the predictions.'},
    varianceLabel: {type: 'f64', unit: '1', doc: 'Population variance of the labels.'},
    covariance: {type: 'f64', unit: '1', doc: 'Population covariance of both.'},
  },
  batchRows: 1024,
} as const satisfies ShardSchema;

/** robustness: one row per corruption and target, over all validation clips of the fold. */
export const robustness = {
  kind: 'robustness',
  columns: {
    corruption: {type: 'text', unit: '1', doc: "'none', 'absent', 'noise' or 'drop-out'."},
    modality: {
      type: 'text',
      unit: '1',
      doc: "'visual', 'acoustic' or 'linguistic'; empty where nothing was corrupted.",
    },
    amount: {
      type: 'f64',
      unit: 'dB or 1',
      doc: 'Signal-to-noise ratio of noise in dB; share of lost frames of drop-outs; else 0.',
    },
    target: {type: 'text', unit: '1', doc: "'valence' or 'arousal'."},
    ccc: {type: 'f64', unit: '1', doc: 'Concordance correlation coefficient by population moments (D12).'},
    frameCount: {type: 'i32', unit: '1', doc: 'Valid frames that entered the score.'},
  },
  batchRows: 1024,
} as const satisfies ShardSchema;

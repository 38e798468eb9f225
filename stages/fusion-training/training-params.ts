/** How a system is trained: parameters that all systems share. */
import {z} from 'zod';

const count = () => z.int().positive();
const rate = () => z.number().min(0);

const shape = {
  targets: z
    .enum(['separate', 'joint'])
    .describe('One model per emotion, as published for frame-level systems, or one for valence and arousal.'),
  windowFrames: count().describe('Frames of a window.'),
  hopFrames: count().describe('Frames from one window to the next; predictions are averaged where windows overlap.'),
  clipFrames: count().describe('Frames that are pooled into one step of a window; 1 for frame-level systems.'),
  clipPooling: z
    .enum(['mean', 'last'])
    .optional()
    .describe(
      'What a step of a clip-level system is: the mean of the vectors of its frames, also where absent, or the last of them, for vectors that each stand for the clip that ends there.',
    ),
  shiftFrames: count().describe(
    'For clip-level systems, frames from one training window to the next, up to clipFrames.',
  ),
  optimiser: z.enum(['adam', 'adamw', 'sgd']).describe('sgd uses Nesterov momentum.'),
  learningRate: z.number().positive().describe('Learning rate after the warm-up.'),
  minimumLearningRate: rate().describe('The plateau rule stops here.'),
  momentum: z.number().min(0).lt(1).describe('Momentum of sgd.'),
  weightDecay: rate().describe('Weight decay; added to the gradient, but decoupled for adamw.'),
  gradientClip: rate().describe('Largest norm of the gradient; 0 for no limit.'),
  batchSize: count().describe('Windows of a step.'),
  epochs: z.int().min(0).describe('Epochs at most; 0 evaluates initialWeights as they are.'),
  minimumEpochs: count().describe('Epochs at least.'),
  earlyStopping: count().describe('Epochs without a better validation CCC after which training stops.'),
  warmUp: z
    .enum(['repetitive', 'released', 'linear', 'none'])
    .describe('How the learning rate rises: anew in each epoch, the same with the released code’s divisor, once, not.'),
  warmUpEpochs: z.int().min(0).describe('Epochs of the warm-up.'),
  plateauFactor: z.number().positive().max(1).describe('Factor of the learning rate on a plateau of validation CCC.'),
  plateauPatience: z.int().min(0).describe('Epochs without a better validation CCC that are no plateau yet.'),
  decayFactor: z.number().positive().max(1).describe('Factor of a step decay of the learning rate; 1 for none.'),
  decayFrom: z.int().min(0).describe('Epoch after which the step decay begins.'),
  decayEpochs: count().describe('Epochs between two steps of the decay.'),
  decayLearningRate: rate().describe('Learning rate where the step decay begins; 0 for learningRate.'),
  normalisation: z
    .enum(['standard', 'scalar', 'released', 'none'])
    .describe(
      'By mean and deviation of the training clips, per feature or one scalar each per modality. released: by scalars for text, other vectors as their networks give them.',
    ),
  shuffle: z.enum(['epoch', 'once']).describe('Whether the order of windows is drawn for each epoch or once.'),
  lossOver: z.enum(['window', 'batch']).describe('One CCC per window, averaged, or one over the whole batch.'),
  lossMoments: z
    .enum(['population', 'sample', 'released'])
    .describe('Moments in the loss; released is population covariance over sample variance.'),
  lossTargets: z.enum(['mean', 'sum']).describe('How the losses of valence and arousal are joined in one model.'),
  reloadBest: z.boolean().describe('Whether each epoch starts from the best weights so far, as released code does.'),
};

const schema = z.strictObject(shape);

export type Training = z.output<typeof schema>;

/** The settings of RCMA's text (arXiv 2403.13659v1, §2.2); what it leaves open is as its authors' code has it. */
export const publishedTraining: Training = {
  targets: 'separate',
  windowFrames: 300,
  hopFrames: 200,
  clipFrames: 1,
  shiftFrames: 1,
  optimiser: 'adam',
  learningRate: 1e-4,
  minimumLearningRate: 1e-8,
  momentum: 0.9,
  weightDecay: 5e-4,
  gradientClip: 0,
  batchSize: 12,
  epochs: 100,
  minimumEpochs: 5,
  earlyStopping: 50,
  warmUp: 'repetitive',
  warmUpEpochs: 5,
  plateauFactor: 0.1,
  plateauPatience: 5,
  decayFactor: 1,
  decayFrom: 0,
  decayEpochs: 1,
  decayLearningRate: 0,
  normalisation: 'standard',
  shuffle: 'epoch',
  lossOver: 'window',
  lossMoments: 'population',
  lossTargets: 'mean',
  reloadBest: false,
};

/** What the code that RCMA, GRJCA and LFAN share does otherwise: trainer.py and base/ of praveena2j/RJCMA. */
export const releasedFrameTraining: Partial<Training> = {
  learningRate: 1e-5,
  weightDecay: 1e-3,
  warmUp: 'released',
  normalisation: 'released',
  shuffle: 'once',
  lossMoments: 'released',
  reloadBest: true,
};

/**
 * Geometry and loss of the clip-level systems: windows of 16 clips of 32 frames, every frame the end of one clip, one
 * model for both emotions, one CCC per emotion over the whole batch.
 */
export const clipTraining: Partial<Training> = {
  targets: 'joint',
  windowFrames: 512,
  hopFrames: 512,
  clipFrames: 32,
  weightDecay: 0,
  warmUp: 'none',
  warmUpEpochs: 0,
  plateauFactor: 1,
  lossOver: 'batch',
  lossTargets: 'sum',
};

/** What the code of the clip-level systems does otherwise: losses/ of JCA, RJCA and JMT. */
export const releasedClipTraining: Partial<Training> = {...clipTraining, normalisation: 'none', lossMoments: 'sample'};

/** The step decay of the code of JCA and RJCA: after epoch 5, 1e-3 · 0.8 ^ ⌊(epoch − 5) / 2⌋. */
export const releasedDecay: Partial<Training> = {
  decayFactor: 0.8,
  decayFrom: 5,
  decayEpochs: 2,
  decayLearningRate: 1e-3,
};

/** Training parameters as an experiment gives them: all optional, since defaults depend on system and preset. */
export const trainingParams = schema.partial().shape;

/** Parameters of backbone-training: what is trained, from which weights, on which windows, and what is released when. */
import {z} from 'zod';
import type {LoopOptions} from '../learning/training-loop.js';
import {networks} from './networks/index.js';
import type {Augmentation} from './augmentation.js';
import type {Network} from './networks/network.js';

const count = () => z.int().positive();
const rate = () => z.number().min(0);

/** Defaults are those of fusion-training: the text of RCMA, and its authors' code where the text says nothing. */
function shared(kind: Network['format']['kind'], network: string) {
  const names = Object.values(networks).flatMap(({name, format}) => (format.kind === kind ? [name] : []));
  return {
    network: z.enum(names).default(network).describe('Network that is trained.'),
    weights: z
      .string()
      .min(1)
      .optional()
      .describe('Path of its pretrained weights: .safetensors, or .onnx with weights under their own names.'),
    targets: z
      .enum(['both', 'valence', 'arousal'])
      .default('both')
      .describe('What the head predicts, and so what the network is trained for.'),
    windowFrames: count().default(300).describe('Frames of a window.'),
    hopFrames: count().default(200).describe('Frames from one window to the next.'),
    frameStride: count()
      .default(1)
      .describe('Every how many frames one is read, in training and validation; 1 for all. Vectors are made of all.'),
    batchSize: count().default(12).describe('Windows of a step.'),
    headDropout: z.number().min(0).lt(1).default(0).describe('Dropout on the vector in front of the head.'),
    releaseGroups: count()
      .default(3)
      .describe('Parts of the network that are released, one after the other; the first trains from the start.'),
    frozenStatistics: z
      .enum(['fixed', 'adapting'])
      .default('fixed')
      .describe(
        'Batch norms of parts that are not released: by running statistics, or, as in released code, by those of the batch.',
      ),
    learningRate: z.number().positive().default(1e-4).describe('Learning rate after the warm-up.'),
    minimumLearningRate: rate()
      .default(1e-8)
      .describe('Once the learning rate has fallen below, the next part is released; after the last, training ends.'),
    weightDecay: rate().default(5e-4).describe('Weight decay, added to the gradient.'),
    gradientClip: rate().default(0).describe('Largest norm of the gradient; 0 for no limit.'),
    epochs: count().default(100).describe('Epochs at most.'),
    minimumEpochs: count().default(5).describe('Epochs at least.'),
    earlyStopping: count()
      .default(50)
      .describe(
        'Epochs without a better validation CCC after which training stops; each release starts the count anew.',
      ),
    warmUp: z
      .enum(['repetitive', 'released', 'linear', 'none'])
      .default('repetitive')
      .describe('How the learning rate rises after each release, as in fusion-training.'),
    warmUpEpochs: z.int().min(0).default(5).describe('Epochs of the warm-up.'),
    plateauFactor: z
      .number()
      .positive()
      .max(1)
      .default(0.1)
      .describe('Factor of the learning rate on a plateau of validation CCC.'),
    plateauPatience: z
      .int()
      .min(0)
      .default(5)
      .describe('Epochs without a better validation CCC that are no plateau yet.'),
    lossOver: z
      .enum(['window', 'batch'])
      .default('window')
      .describe('One CCC per window, averaged, or one over the whole batch.'),
    lossMoments: z
      .enum(['population', 'released'])
      .default('population')
      .describe('Moments in the loss; released is population covariance over sample variance.'),
    reloadBest: z
      .boolean()
      .default(false)
      .describe('Whether each epoch starts from the best weights so far; a newly released part always does.'),
  };
}

const crops = {
  randomCrop: z
    .boolean()
    .default(true)
    .describe('One random part of the crop per window in training, instead of its middle.'),
  randomFlip: z.boolean().default(true).describe('Mirrors the crops of every second window in training, drawn by lot.'),
};

interface Release {
  readonly network: string;
  readonly releaseGroups: number;
}

function checkGroups({network, releaseGroups}: Release, context: z.RefinementCtx): void {
  const {length} = networks[network]!.groups;
  if (releaseGroups <= length) return;
  const message = `network '${network}' has ${length} parts to release`;
  context.addIssue({code: 'custom', path: ['releaseGroups'], message});
}

/** Parameters of a network of face crops. */
export const visualParams = z.strictObject({...shared('crop', 'ir50'), ...crops}).superRefine(checkGroups);
/** Parameters of a network of spectrogram patches. */
export const acousticParams = z.strictObject(shared('patch', 'vggish')).superRefine(checkGroups);

export type Settings = z.output<typeof acousticParams> & Partial<Augmentation>;

export const networkOf = ({network}: Pick<Settings, 'network'>): Network => networks[network]!;

/** The learning rate may fall below its minimum: that is what releases the next part. */
export const loopOf = (settings: Settings): LoopOptions => ({...settings, minimumLearningRate: 0});

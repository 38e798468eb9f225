/**
 * Numbers that the papers print, each with where it stands and what to know before comparing anything with it. Only
 * what the papers' own tables state; numbers known from elsewhere are not here.
 */
import type {Modality, Target} from './score.js';

/** Where a number is printed. */
export interface Source {
  readonly paper: string;
  readonly table: string;
  readonly section: string;
}

/** A row of a published table: CCC on the Aff-Wild2 validation set. */
export interface PublishedResult {
  /** Our name of the architecture. */
  readonly system: string;
  /** As the papers call it. */
  readonly method: string;
  readonly dataset: 'Aff-Wild2';
  readonly backbones: string;
  readonly ccc: Readonly<Record<Target, Partial<Record<Modality | 'fusion', number>>>>;
  readonly sources: readonly Source[];
  readonly caveats: readonly string[];
}

const RCMA: Source = {
  paper:
    'Praveen and Alam, Recursive Cross-Modal Attention for Multimodal Fusion in Dimensional Emotion Recognition, arXiv 2403.13659v1',
  table: 'Table 1',
  section: '3 Results',
};
const GRJCA: Source = {
  paper: 'Praveen and Alam, Handling Weak Complementary Relationships for Audio-Visual Emotion Recognition',
  table: 'Table 1',
  section: '3 Results',
};
const JMT: Source = {
  paper: 'Joint multimodal transformer with key-based cross-attention, submission to the 6th ABAW challenge',
  table: 'Table 1',
  section: '5 Results and Discussion',
};

const OTHERS_NUMBER =
  'Quoted by the cited paper from an earlier one; data set edition and protocol are those of the original.';
const FOLD_UNSTATED =
  'The paper runs six folds and uses the best for its test predictions; it does not say to which fold or split this number belongs, and gives no spread.';
const AFFWILD_BACKBONE =
  'Released code of this family starts from backbones trained on an earlier edition of Aff-Wild2; whether validation videos were among their training videos is not documented.';
const VISUAL_REPEATED = 'The visual column equals that of Zhang et al., whose backbone is used.';

export const published: readonly PublishedResult[] = [
  {
    system: 'concatenation',
    method: 'Kuhnke et al. (feature concatenation)',
    dataset: 'Aff-Wild2',
    backbones: 'A: Resnet18; V: R(2plus1)D',
    ccc: {
      valence: {audio: 0.351, visual: 0.449, fusion: 0.493},
      arousal: {audio: 0.356, visual: 0.565, fusion: 0.604},
    },
    sources: [RCMA, GRJCA],
    caveats: [
      OTHERS_NUMBER,
      'Uses face masks beside the images and annotations of other tasks to refine valence and arousal.',
    ],
  },
  {
    system: 'lfan',
    method: 'Zhang et al. (leader-follower attention)',
    dataset: 'Aff-Wild2',
    backbones: 'A: VGGish; V: Resnet50',
    ccc: {valence: {visual: 0.405, fusion: 0.457}, arousal: {visual: 0.635, fusion: 0.645}},
    sources: [RCMA, GRJCA],
    caveats: [OTHERS_NUMBER],
  },
  {
    system: 'ca',
    method: 'Rajasekhar et al. (cross-attention)',
    dataset: 'Aff-Wild2',
    backbones: 'A: Resnet18; V: I3D',
    ccc: {
      valence: {audio: 0.351, visual: 0.417, fusion: 0.552},
      arousal: {audio: 0.356, visual: 0.539, fusion: 0.531},
    },
    sources: [RCMA, GRJCA],
    caveats: [OTHERS_NUMBER],
  },
  {
    system: 'jca',
    method: 'Joint Cross-Attention',
    dataset: 'Aff-Wild2',
    backbones: 'A: Resnet18; V: I3D-TCN',
    ccc: {
      valence: {audio: 0.351, visual: 0.417, fusion: 0.663},
      arousal: {audio: 0.356, visual: 0.539, fusion: 0.584},
    },
    sources: [RCMA, GRJCA],
    caveats: [OTHERS_NUMBER, AFFWILD_BACKBONE],
  },
  {
    system: 'rjca',
    method: 'Recursive Joint Cross-Attention',
    dataset: 'Aff-Wild2',
    backbones: 'A: Resnet18; V: I3D-TCN',
    ccc: {
      valence: {audio: 0.351, visual: 0.417, fusion: 0.721},
      arousal: {audio: 0.356, visual: 0.539, fusion: 0.694},
    },
    sources: [GRJCA],
    caveats: [
      OTHERS_NUMBER,
      AFFWILD_BACKBONE,
      'The table gives the same reference for this row as for Joint Cross-Attention.',
    ],
  },
  {
    system: 'rcma',
    method: 'RCMA',
    dataset: 'Aff-Wild2',
    backbones: 'A: VGGish; V: Resnet-50; T: BERT',
    ccc: {valence: {visual: 0.405, fusion: 0.585}, arousal: {visual: 0.635, fusion: 0.659}},
    sources: [RCMA],
    caveats: [FOLD_UNSTATED, VISUAL_REPEATED, 'Neither audio nor text alone is given.'],
  },
  {
    system: 'grjca',
    method: 'GRJCA',
    dataset: 'Aff-Wild2',
    backbones: 'A: VGGish; V: Resnet-50',
    ccc: {valence: {visual: 0.405, fusion: 0.623}, arousal: {visual: 0.635, fusion: 0.66}},
    sources: [GRJCA],
    caveats: [FOLD_UNSTATED, VISUAL_REPEATED, 'Audio alone is not given.'],
  },
  {
    system: 'jmt',
    method: 'JMT',
    dataset: 'Aff-Wild2',
    backbones: 'A: Resnet18; V: R(2+1)D',
    ccc: {valence: {fusion: 0.717}, arousal: {fusion: 0.614}},
    sources: [JMT],
    caveats: [
      'Official validation set of an earlier edition: 564 videos (341/71/152) where RCMA and GRJCA use 594 (356/76/162).',
      AFFWILD_BACKBONE,
    ],
  },
];

/** A row of JMT's fold table. */
export interface PublishedFold {
  readonly fold: string;
  readonly valence: number;
  readonly arousal: number;
  /** As printed; rounding differs from (valence + arousal) / 2 by at most one in the last place. */
  readonly average: number;
}

export const jmtFolds: {readonly source: Source; readonly folds: readonly PublishedFold[]} = {
  source: JMT,
  folds: [
    {fold: 'Official', valence: 0.717, arousal: 0.614, average: 0.666},
    {fold: 'fold-1', valence: 0.705, arousal: 0.683, average: 0.694},
    {fold: 'fold-2', valence: 0.741, arousal: 0.623, average: 0.682},
    {fold: 'fold-3', valence: 0.657, arousal: 0.637, average: 0.647},
    {fold: 'fold-4', valence: 0.76, arousal: 0.666, average: 0.713},
    {fold: 'fold-5', valence: 0.684, arousal: 0.629, average: 0.657},
  ],
};

/** The two published log-mel spectrograms, and what may be changed in them. */
export interface SpectrogramSettings {
  readonly sampleRateHz: number;
  readonly windowSeconds: number;
  readonly hopSeconds: number;
  readonly bandCount: number;
  readonly lowestHz: number;
  readonly highestHz: number;
}

/** What distinguishes the two beyond numbers. */
export interface SpectrogramForm {
  /** Shortest length of the Fourier transform; never below the window, rounded up to a power of two. */
  readonly leastFftLength: number;
  /** Whether window k is centred at hop k, the signal being reflected at its ends, rather than starting there. */
  readonly centred: boolean;
  /** Whether bands sum power rather than magnitude. */
  readonly power: boolean;
  readonly straightIn: 'hertz' | 'mel';
  readonly scale: 'logarithm' | 'decibel';
}

/**
 * vggish: AudioSet's VGGish front end (Hershey et al. 2017), as torchvggish computes it.
 * tsav: Kuhnke et al. 2020, two-stream aural-visual; also used by JCA and JMT ("64 × 107").
 */
export const published = {
  vggish: {
    sampleRateHz: 16_000,
    windowSeconds: 0.025,
    hopSeconds: 0.01,
    bandCount: 64,
    lowestHz: 125,
    highestHz: 7500,
    leastFftLength: 512,
    centred: false,
    power: false,
    straightIn: 'mel',
    scale: 'logarithm',
  },
  tsav: {
    sampleRateHz: 44_100,
    windowSeconds: 0.02,
    hopSeconds: 0.01,
    bandCount: 64,
    lowestHz: 0,
    highestHz: 22_050,
    leastFftLength: 1024,
    centred: true,
    power: true,
    straightIn: 'hertz',
    scale: 'decibel',
  },
} as const satisfies Record<string, SpectrogramSettings & SpectrogramForm>;

export type SpectrogramKind = keyof typeof published;
export const spectrogramKinds = Object.keys(published) as readonly SpectrogramKind[];

/** Completes what an experiment sets with what was published. */
export function completeSettings({
  kind,
  ...changes
}: {readonly kind: SpectrogramKind} & {
  readonly [K in keyof SpectrogramSettings]?: SpectrogramSettings[K] | undefined;
}): SpectrogramSettings & SpectrogramForm {
  const set = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  return {...published[kind], ...set};
}

/** Whether the bands lie in order and below half the sample rate. */
export function bandsFit({lowestHz, highestHz, sampleRateHz}: SpectrogramSettings): boolean {
  return lowestHz < highestHz && highestHz <= sampleRateHz / 2;
}

/** Reads the samples of an audio shard, without the zeros that fill up its last row. */
import {StageError} from '../errors.js';

interface AudioRow {
  readonly sampleRateHz: number;
  readonly sampleCount: number;
  readonly samples: Float32Array;
}

/**
 * Streams the real samples of rows of one second each.
 *
 * @throws StageError 'wrong-sample-rate'.
 */
export async function* samplesAt(
  sampleRateHz: number,
  rows: AsyncIterable<AudioRow>,
): AsyncGenerator<Float32Array, void, undefined> {
  for await (const row of rows) {
    if (row.sampleRateHz !== sampleRateHz) throw wrongSampleRate(row.sampleRateHz, sampleRateHz);
    yield row.samples.subarray(0, row.sampleCount);
  }
}

function wrongSampleRate(seenHz: number, wantedHz: number): StageError {
  return new StageError(
    'wrong-sample-rate',
    `the audio has ${seenHz} samples per second, but the spectrogram is defined for ${wantedHz}`,
    `Decode it at that rate: --set demux.sampleRateHz=${wantedHz}`,
  );
}

/** demux: takes a video file apart into the times of its frames and its sound. */
import {z} from 'zod';
import {decodeAudio} from './demux/audio.js';
import {locateFfmpeg} from './demux/binary.js';
import {PresentationClock} from './demux/presentation-clock.js';
import {probe} from './demux/probe.js';
import {decodeTimeline} from './demux/timeline.js';
import {audio, timeline} from './schemas.js';
import {defineStage, video} from './stage.js';

export const demux = defineStage({
  name: 'demux',
  // 1: first.
  version: 1,
  doc: 'Reads the presentation time of every video frame, and the sound as mono samples on the same clock.',
  per: 'clip',
  resource: 'io',
  inputs: {video},
  outputs: {timeline, audio},
  params: z.object({
    sampleRateHz: z
      .int()
      .min(8000)
      .max(192_000)
      .default(16_000)
      .describe('Sample rate of the audio; 44100 for the spectrograms of kind tsav.'),
  }),
  async run({inputs, outputs, params, context}) {
    const {path} = inputs.video;
    const {threads, signal} = context;
    context.note('ffmpeg', (await locateFfmpeg()).version);
    const warn = (message: string) => context.warn(message);
    const {hasAudio, durationSeconds} = await probe(path, signal);
    const clock = new PresentationClock();
    let endSeconds = 0;
    for await (const row of decodeTimeline({path, threads, signal, clock, warn})) {
      await outputs.timeline.append(row);
      endSeconds = row.timeSeconds;
      if (row.frameIndex % 512 === 0) context.progress(endSeconds, durationSeconds ?? endSeconds, 's');
    }
    if (!hasAudio) return context.warn('video has no audio stream; its sound is treated as missing');
    const {originSeconds = 0} = clock;
    const {sampleRateHz} = params;
    for await (const second of decodeAudio({path, sampleRateHz, originSeconds, endSeconds, threads, signal, warn})) {
      await outputs.audio.append({...second});
    }
  },
});

/** What must be said of a network that reads clips, several frames at once. */
import {z} from 'zod';

export const clipParams = z
  .strictObject({
    frames: z.int().min(2).max(512).default(8).describe('Frames that the network reads at once.'),
    dilation: z
      .int()
      .min(1)
      .max(100)
      .default(4)
      .describe('Frames of the video from one of them to the next: 4 in JCA and JMT, 6 in Kuhnke et al.'),
    layout: z.enum(['ncthw', 'ntchw']).default('ncthw').describe('Order of batch, channels, time, rows and columns.'),
    frameAt: z.enum(['start', 'centre', 'end']).default('end').describe('Where the frame lies in its clip.'),
    beyond: z
      .enum(['repeat', 'black', 'denser'])
      .default('repeat')
      .describe(
        'What stands where the video has no frames. repeat: the nearest; black: as in Kuhnke et al.; denser: a smaller dilation, and below one frame each the last again, as in the released code of JMT.',
      ),
    everyFrames: z
      .int()
      .min(1)
      .max(1000)
      .default(1)
      .describe('Runs the network for every n-th frame; those between repeat its vector.'),
  })
  .refine(({beyond, frameAt}) => beyond !== 'denser' || frameAt === 'end', {
    path: ['beyond'],
    error: 'denser needs frameAt: end',
  });

export type ClipParams = z.output<typeof clipParams>;

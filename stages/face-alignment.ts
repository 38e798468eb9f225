/** face-alignment: finds the subject's face in every frame and cuts it out, eyes and mouth always in the same place. */
import {z} from 'zod';
import {encodeCrop} from './face-alignment/crop-image.js';
import {noFaceRow} from './face-alignment/face-row.js';
import {foundFaces} from './face-alignment/found-faces.js';
import {blackImage} from './face-alignment/image.js';
import {modelsOf} from './face-alignment/open-finders.js';
import {publishedFaces} from './face-alignment/published-faces.js';
import {cropSize} from './face-alignment/template.js';
import {faces, timeline} from './schemas.js';
import {croppedAligned, defineStage, video} from './stage.js';

/** Share of frames without a face from which a clip is worth a look. */
const worthWarning = 0.1;

export const faceAlignment = defineStage({
  name: 'face-alignment',
  // 1: first.
  // 2: large faces are averaged over larger blocks; where nobody is in view, every fourth frame is looked at.
  // 3: crops are PNG rather than lossless WebP; the same pixels.
  // 4: who stood beside the subject is not taken for it when alone in view.
  version: 4,
  doc: "Detects the subject's face in every frame, follows it through the clip and aligns it to a 112-pixel crop.",
  per: 'clip',
  resource: 'cpu',
  inputs: {video, timeline, croppedAligned},
  outputs: {faces},
  params: z
    .object({
      source: z
        .enum(['cropped-aligned'])
        // Absent rather than a default: what is absent is not in the fingerprint, so faces found before it stay valid.
        .optional()
        .describe(
          'cropped-aligned: takes the images of dataset.croppedAligned, whatever the other parameters. Where absent, faces are found in the video.',
        ),
      detector: z
        .enum(['face-api-tiny', 'face-api-ssd', 'yunet', 'scrfd'])
        .default('face-api-tiny')
        .describe(
          'Network that finds faces. The face-api networks come with the packages: tiny is fast, ssd takes ten times as long and also finds small faces. yunet and scrfd need model.',
        ),
      model: z
        .string()
        .min(1)
        .optional()
        .describe('Id or path of the network of detector: yunet or scrfd, an .onnx file.'),
      modelSize: z
        .int()
        .min(96)
        .max(2048)
        .multipleOf(32)
        .default(640)
        .describe('Side in pixels of the square that yunet or scrfd reads; many files take 640 only.'),
      inputSizes: z
        .array(z.int().min(96).max(1024).multipleOf(32))
        .min(1)
        .max(4)
        .default([224, 416])
        .describe(
          'Longer sides, in pixels, to which frames are scaled for face-api-tiny: tried until a face is found.',
        ),
      minScore: z.number().min(0.05).max(0.99).default(0.5).describe('Least confidence of a face.'),
      detectEvery: z
        .int()
        .min(1)
        .max(100)
        .default(1)
        .describe('Looks at every n-th frame and interpolates the face between; 1 looks at every frame.'),
      searchEvery: z
        .int()
        .min(1)
        .max(100)
        .default(4)
        .describe(
          'Looks at every n-th frame while no face was seen for a second, and at those before once one is found; 1 looks at every frame.',
        ),
      subject: z
        .enum(['largest', 'left', 'right'])
        .default('largest')
        .describe(
          'Which person is the subject where several are in view: largest when first seen, or by side of the image.',
        ),
      smoothing: z
        .number()
        .min(0)
        .max(0.95)
        .default(0)
        .describe("Share of the previous frame's landmarks in this frame's; 0 keeps them as found."),
    })
    .refine(({detector, model}) => detector.startsWith('face-api') || model !== undefined, {
      path: ['model'],
      error: 'expected an id or a path with detector: yunet or scrfd',
    }),
  reads: ({source}) => (source === 'cropped-aligned' ? ['timeline', 'croppedAligned'] : ['video', 'timeline']),
  models: (params) => (params.source === 'cropped-aligned' ? [] : modelsOf(params)),
  modelParams: ['model'],
  async run({inputs, outputs, params, context}) {
    const {video, croppedAligned} = inputs;
    const times = await inputs.timeline.column('timeSeconds');
    const noFace = noFaceRow(await encodeCrop(blackImage(cropSize)));
    const rows =
      params.source === 'cropped-aligned'
        ? publishedFaces({...context, folder: croppedAligned?.path, frameCount: times.length})
        : foundFaces(video.path, params, context);
    let frameIndex = 0;
    let missing = 0;
    for await (const row of rows) {
      if (frameIndex === times.length) break;
      await outputs.faces.append({frameIndex, timeSeconds: times[frameIndex]!, ...(row ?? noFace)});
      frameIndex += 1;
      missing += row ? 0 : 1;
      if (frameIndex % 64 === 0) context.progress(frameIndex, times.length, 'frames');
    }
    if (frameIndex < times.length) {
      context.warn(`decoded ${frameIndex} of ${times.length} frames; the rest count as frames without a face`);
      missing += times.length - frameIndex;
    }
    for (; frameIndex < times.length; frameIndex++) {
      await outputs.faces.append({frameIndex, timeSeconds: times[frameIndex]!, ...noFace});
    }
    if (missing > worthWarning * times.length) context.warn(`no face in ${missing} of ${times.length} frames`);
    context.note('framesWithFace', times.length - missing);
  },
});

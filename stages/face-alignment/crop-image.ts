import {StageError} from '../errors.js';
import type {RgbImage} from './image.js';

/**
 * Encodes an aligned crop as lossless WebP, so that the stored crop is exactly what was cut out of the frame.
 * Measured on 112-pixel crops of photographs: 16 kB at effort 0 in 1.2 ms, where PNG takes 31 kB, JPEG of quality 95
 * without chroma subsampling 7 kB with errors up to 14 levels, and effort 2 saves 7 % for five times the time.
 */
export async function encodeCrop({width, height, rgb}: RgbImage): Promise<Uint8Array> {
  const {default: sharp} = await import('sharp');
  return sharp(rgb, {raw: {width, height, channels: 3}})
    .webp({lossless: true, effort: 0})
    .toBuffer();
}

/** Decodes a crop from any format that sharp reads; grey and transparent images become RGB. */
export async function decodeCrop(bytes: Uint8Array): Promise<RgbImage> {
  const {default: sharp} = await import('sharp');
  try {
    const {data, info} = await sharp(bytes)
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer({resolveWithObject: true});
    return {width: info.width, height: info.height, rgb: data};
  } catch (cause) {
    throw new StageError(
      'unreadable-file',
      `A face image of ${bytes.length} bytes cannot be decoded: ${(cause as Error).message}`,
      'Run face-alignment again for this clip: affectflow rerun --from face-alignment',
      {cause},
    );
  }
}

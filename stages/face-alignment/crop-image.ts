import {StageError} from '../errors.js';
import type {RgbImage} from './image.js';
import {decodePng, encodePng} from './png.js';

/**
 * Encodes an aligned crop as PNG, so that the stored crop is exactly what was cut out of the frame and any program can
 * open it. Measured on 112-pixel crops of photographs: 14 to 21 kB in 0.3 ms, and 0.15 ms to decode. Lossless WebP takes
 * 10 to 16 kB and 1.2 ms each way, which on a machine without idle cores is an eighth of the time of a ResNet-18.
 */
export function encodeCrop(image: RgbImage): Promise<Uint8Array> {
  return Promise.resolve(encodePng(image));
}

/** Decodes a crop from any format that sharp reads; grey and transparent images become RGB. */
export async function decodeCrop(bytes: Uint8Array): Promise<RgbImage> {
  try {
    return decodePng(bytes) ?? (await decodeAny(bytes));
  } catch (cause) {
    throw new StageError(
      'unreadable-file',
      `A face image of ${bytes.length} bytes cannot be decoded: ${(cause as Error).message}`,
      'Run face-alignment again for this clip: affectflow rerun --from face-alignment',
      {cause},
    );
  }
}

async function decodeAny(bytes: Uint8Array): Promise<RgbImage> {
  const {default: sharp} = await import('sharp');
  const image = sharp(bytes).toColourspace('srgb').removeAlpha().raw();
  const {data, info} = await image.toBuffer({resolveWithObject: true});
  return {width: info.width, height: info.height, rgb: data};
}

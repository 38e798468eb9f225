/** Interleaved 8-bit RGB in row-major order: the value of channel c at (x, y) is `rgb[(y · width + x) · 3 + c]`. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

/** A rectangle in pixels of an image; pixel (0, 0) covers [0, 1) × [0, 1). */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export function blackImage(size: number): RgbImage {
  return {width: size, height: size, rgb: new Uint8Array(size * size * 3)};
}

/** The whole pixels of `box` that lie inside the image; its sides may be 0. */
export function clipToImage(box: Box, image: RgbImage): Box {
  const left = Math.max(box.left, 0);
  const top = Math.max(box.top, 0);
  const right = Math.min(box.left + box.width, image.width);
  const bottom = Math.min(box.top + box.height, image.height);
  return {
    left: Math.floor(left),
    top: Math.floor(top),
    width: Math.max(0, Math.floor(right - left)),
    height: Math.max(0, Math.floor(bottom - top)),
  };
}

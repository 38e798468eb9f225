/** Little-endian floating point numbers of 2, 4 or 8 bytes as float32. */
export function toFloat32(bytes: Uint8Array, type: '<f2' | '<f4' | '<f8'): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = Number(type.slice(2));
  const values = new Float32Array(bytes.length / size);
  for (let k = 0; k < values.length; k++) {
    if (size === 4) values[k] = view.getFloat32(4 * k, true);
    else values[k] = size === 8 ? view.getFloat64(8 * k, true) : halfToNumber(view.getUint16(2 * k, true));
  }
  return values;
}

/** The number that 16 bits of IEEE 754 stand for: 1 sign, 5 exponent, 10 fraction. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

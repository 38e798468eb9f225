/** A vector scaled to length 1; zeros stay zeros. */
export function unitLength(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return length > 0 ? vector.map((value) => value / length) : vector;
}

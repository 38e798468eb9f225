/**
 * Moving average of `width` values with zeros beyond both ends, which pulls the ends to 0, as SciPy's uniform_filter1d
 * with mode 'constant' does; of an even width, the larger half lies before the value.
 */
export function boxFilter(values: ArrayLike<number>, width: number): Float64Array {
  const before = Math.floor(width / 2);
  const cumulative = new Float64Array(values.length + 1);
  for (let i = 0; i < values.length; i++) cumulative[i + 1] = cumulative[i]! + values[i]!;
  return Float64Array.from({length: values.length}, (_, i) => {
    const start = Math.max(0, i - before);
    const end = Math.min(values.length, i - before + width);
    return (cumulative[end]! - cumulative[start]!) / width;
  });
}

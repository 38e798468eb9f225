/**
 * Maps in order, with up to `ahead` results under way at once: what `map` leaves to other threads runs while the
 * source computes its next items. Every result is awaited, also where one fails.
 */
export async function* mapAhead<A, B>(
  source: AsyncIterable<A>,
  ahead: number,
  map: (item: A) => Promise<B>,
): AsyncGenerator<B, void, undefined> {
  const underWay: Promise<B>[] = [];
  for await (const item of source) {
    const result = map(item);
    // A failure is reported where the result is awaited, which may be later than Node waits for a handler.
    result.catch(() => undefined);
    underWay.push(result);
    if (underWay.length > ahead) yield underWay.shift()!;
  }
  for (const result of underWay) yield await result;
}

/** Consecutive items in groups of `size`, which may depend on a group's first item; the last may be smaller. */
export async function* groups<T>(
  items: AsyncIterable<T>,
  size: number | ((first: T) => number),
): AsyncGenerator<T[], void, undefined> {
  let group: T[] = [];
  let wanted = 0;
  for await (const item of items) {
    if (group.length === 0) wanted = typeof size === 'number' ? size : size(item);
    group.push(item);
    if (group.length < wanted) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

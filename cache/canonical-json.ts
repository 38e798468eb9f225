/**
 * One text per value: the pre-image of every digest of structured data. It is JSON (RFC 8259) with keys sorted by
 * UTF-16 code unit and nothing that has two spellings or none.
 */

/**
 * Returns the canonical JSON text of a plain value. Equal values give equal text whatever the order of their keys,
 * and different values give different text, up to Unicode normalisation: strings and keys are taken in NFC, because
 * file systems and editors hand out the same name in either form, and −0 is written as 0.
 *
 * @throws TypeError naming the place of anything JSON cannot say: undefined, NaN, Infinity, bigint, functions, symbols,
 *   class instances, sparse arrays, cycles, or two keys that are one in NFC.
 */
export function canonicalJson(value: unknown): string {
  return textOf(value, [], '$');
}

function textOf(value: unknown, ancestors: readonly object[], place: string): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.normalize('NFC'));
    case 'boolean':
      return String(value);
    case 'number':
      if (!Number.isFinite(value)) throw refusal(place, String(value));
      return JSON.stringify(value);
    case 'object':
      if (value === null) return 'null';
      if (ancestors.includes(value)) throw refusal(place, 'a cycle');
      return Array.isArray(value)
        ? arrayText(value, [...ancestors, value], place)
        : objectText(value, [...ancestors, value], place);
    default:
      throw refusal(place, typeof value);
  }
}

function arrayText(values: readonly unknown[], ancestors: readonly object[], place: string): string {
  // Array.from visits holes as undefined, which is then refused; map would skip them.
  return `[${Array.from(values, (item, index) => textOf(item, ancestors, `${place}[${index}]`)).join(',')}]`;
}

function objectText(value: object, ancestors: readonly object[], place: string): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw refusal(place, `an instance of ${className(value)}`);
  if (Object.getOwnPropertySymbols(value).length > 0) throw refusal(place, 'a symbol as key');
  const entries = Object.entries(value).map(([key, item]) => [key.normalize('NFC'), item] as const);
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  entries.forEach(([key], index) => {
    if (index > 0 && entries[index - 1]![0] === key) throw refusal(place, `the key ${JSON.stringify(key)} twice`);
  });
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${textOf(item, ancestors, `${place}.${key}`)}`).join(',')}}`;
}

function className(value: object): string {
  return (value.constructor as {name?: string} | undefined)?.name ?? 'a class';
}

function refusal(place: string, seen: string): TypeError {
  return new TypeError(`Expected plain JSON data at ${place}, got ${seen}`);
}

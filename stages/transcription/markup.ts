/** Removes what subtitles carry beside the spoken text. */

const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  lrm: '',
  rlm: '',
};

/** Removes tags (`<i>`, `<c.loud>`, `<v Ann>`, SRT's `{\an8}`) and resolves character references. */
export function plainText(text: string): string {
  return resolveReferences(text.replace(/<\/?[\p{L}][^>\n]*>/gu, '').replace(/\{\\[^}\n]*\}/gu, ''));
}

function resolveReferences(text: string): string {
  return text.replace(
    /&(?:#(\d{1,6})|#x([0-9a-f]{1,5})|(\w+));/giu,
    (whole, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return entities[name.toLowerCase()] ?? whole;
      return String.fromCodePoint(decimal === undefined ? Number.parseInt(hex!, 16) : Number(decimal));
    },
  );
}

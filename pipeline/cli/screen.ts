/** What commands that answer a question print; runs print events through a logger instead. */
export function print(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

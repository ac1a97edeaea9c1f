import type { Objects } from '#shared/ports/objects.ts';

const PAGE = 1000;

/** `<prefix>000042.json`: an entry of a create-only log. */
export const numberedName = (prefix: string, sequence: number): string =>
  `${prefix}${String(sequence).padStart(6, '0')}.json`;

/** The sequences that exist under the prefix, ascending. */
export async function sequencesUnder(objects: Objects, prefix: string): Promise<readonly number[]> {
  const found: number[] = [];
  let page = await objects.list(prefix, { limit: PAGE });
  while (page.length > 0) {
    for (const entry of page) {
      const digits = /^(\d{6,15})\.json$/.exec(entry.name.slice(prefix.length))?.[1];
      if (digits !== undefined) found.push(Number(digits));
    }
    const after = page.at(-1)?.name;
    if (page.length < PAGE || after === undefined) break;
    page = await objects.list(prefix, { limit: PAGE, after });
  }
  return found.sort((a, b) => a - b);
}

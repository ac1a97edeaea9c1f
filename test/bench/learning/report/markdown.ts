import { thousands } from '#cli/wargame/words.ts';

type Rows = readonly (readonly string[])[];

export const markdownTable = (header: readonly string[], rows: Rows): string =>
  [header, header.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

/** Whole numbers; - where there is none. */
export const count = (value: number | null): string => (value === null ? '-' : thousands(value));

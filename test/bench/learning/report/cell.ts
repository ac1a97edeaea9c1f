import { percentText } from '#cli/wargame/words.ts';

/** What was measured for an aim; `met` null: there is no aim, or nothing was measured. */
export interface Cell {
  readonly text: string;
  readonly met: boolean | null;
}

export const NOT_MEASURED: Cell = { text: 'not measured', met: null };
/** The measure does not concern this market. */
export const NOT_HERE: Cell = { text: '', met: null };

export const cellText = ({ text, met }: Cell): string => (met === null ? text : `${text}: ${met ? 'met' : 'MISSED'}`);

/** A share as per cent, the worst world in brackets where there are several. */
export const shareText = (mean: number | null, worst: number | null): string =>
  mean === null
    ? '-'
    : worst === null || worst === mean
      ? percentText(mean)
      : `${percentText(mean)} (${percentText(worst)})`;

/** @param least that the mean has to reach. @param leastWorst that no world may fall below */
export function atLeast(
  { mean, worst }: { readonly mean: number | null; readonly worst: number | null },
  least: number,
  leastWorst = Number.NEGATIVE_INFINITY,
): Cell {
  if (mean === null || worst === null) return NOT_MEASURED;
  return { text: shareText(mean, worst), met: mean >= least && worst >= leastWorst };
}

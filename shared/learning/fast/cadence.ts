/** When a refit is due, in observations: early each few rows change what is believed, later a fiftieth of the record does. */
const FIRST = 20;
const EARLY_SHARE = 0.1;
const LATE_SHARE = 0.02;
const EARLY_LIMIT = 200;

/** How many new observations a refit waits for when it stands on `seen`. Grows with the record, so that all refits together stay linear in it. */
export const refitAfter = (seen: number): number =>
  Math.max(Math.min(EARLY_LIMIT, FIRST + EARLY_SHARE * seen), LATE_SHARE * seen);

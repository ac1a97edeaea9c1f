/** What a cell says, whatever the engine: undefined when it is not of the column's type. */
import type { Cell } from '#shared/ports/warehouse.ts';

export type Present = Exclude<Cell, null>;

export const textIn = (cell: Present): string | undefined => (typeof cell === 'string' ? cell : undefined);
export const wholeNumberIn = (cell: Present): number | undefined =>
  typeof cell === 'number' && Number.isSafeInteger(cell) ? cell : undefined;
export const numberIn = (cell: Present): number | undefined =>
  typeof cell === 'number' && Number.isFinite(cell) ? cell : undefined;
export const booleanIn = (cell: Present): boolean | undefined => (typeof cell === 'boolean' ? cell : undefined);

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const DATE = /^\d{4}-\d\d-\d\d$/;

/** Epoch milliseconds of an RFC 3339 instant. */
export const instantIn = (cell: Present): number | undefined =>
  typeof cell === 'string' && RFC3339.test(cell) ? unlessNaN(Date.parse(cell)) : undefined;

/** Epoch milliseconds of the midnight, UTC, with which the day YYYY-MM-DD begins. */
export const dayIn = (cell: Present): number | undefined =>
  typeof cell === 'string' && DATE.test(cell) ? unlessNaN(Date.parse(`${cell}T00:00:00Z`)) : undefined;

const unlessNaN = (value: number): number | undefined => (Number.isNaN(value) ? undefined : value);

/**
 * JSON's text, parsed here, for an engine may store a malformed one and then break on every query that reads into the column.
 * Engines also refuse the escape of half a surrogate pair, which JSON.stringify writes: it becomes U+FFFD, as in a STRING.
 */
export function jsonTextIn(cell: Present): string | undefined {
  if (typeof cell !== 'string') return undefined;
  try {
    const value: unknown = JSON.parse(cell);
    return LONE_SURROGATE.test(cell) ? JSON.stringify(wellFormed(value)) : cell;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const LONE_SURROGATE = /\\u[dD][89a-fA-F]/;

function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  if (Array.isArray(value)) return value.map(wellFormed);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key.toWellFormed(), wellFormed(inner)]));
}

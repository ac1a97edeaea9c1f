/** Cells to the JSON of a streaming insert, and what the client makes of an answer back to cells. */
import type { Column, ColumnType } from '#shared/domain/columns.ts';
import { RejectedError } from '#shared/errors.ts';
import type { Cell } from '#shared/ports/warehouse.ts';
import type { ColumnEncoder } from '../row-encoder.ts';
import { booleanIn, dayIn, instantIn, jsonTextIn, numberIn, type Present, textIn, wholeNumberIn } from '../values.ts';

export type JsonCell = string | number | boolean;

/** As `tabledata.insertAll` takes them (https://cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/insertAll). */
const ENCODERS: Readonly<Record<ColumnType, (cell: Present) => JsonCell | undefined>> = {
  STRING: (cell) => textIn(cell)?.toWellFormed(),
  JSON: jsonTextIn,
  INT64: wholeNumberIn,
  FLOAT64: numberIn,
  BOOL: booleanIn,
  TIMESTAMP: (cell) => {
    const millis = instantIn(cell);
    return millis === undefined ? undefined : new Date(millis).toISOString();
  },
  DATE: (cell) => (dayIn(cell) === undefined ? undefined : textIn(cell)),
  BYTES: textIn,
};

export const columnEncoder = (column: Column): ColumnEncoder<JsonCell> => ({ column, encode: ENCODERS[column.type] });

/** Of an INT64, which may be past what a number holds. */
export function integerIn(text: string): number | bigint {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}

/** @param value as the official client decodes it: instants and days are objects with their text in `value` */
export function toCell(value: unknown): Cell {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number')
    return value;
  if (typeof value === 'bigint') throw new RejectedError('query_invalid', `answers ${value}, past 2^53`);
  if (Buffer.isBuffer(value)) return value.toString('base64');
  if (typeof value === 'object' && value !== undefined && 'value' in value && typeof value.value === 'string') {
    const text = value.value;
    return /^\d{4}-\d\d-\d\d$/.test(text) ? text : new Date(text).toISOString();
  }
  throw new RejectedError('query_invalid', `answers a ${typeof value}, which is no cell`);
}

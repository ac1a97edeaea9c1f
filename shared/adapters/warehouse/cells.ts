/** Cells to DuckDB values and back. Checked on the way in: a column of the wrong type is named before anything is written. */
import type { DuckDBAppender, DuckDBValue } from '@duckdb/node-api';
import { MS_PER_DAY } from '#shared/defaults.ts';
import type { Column } from '#shared/domain/columns.ts';
import { RejectedError } from '#shared/errors.ts';
import type { Cell } from '#shared/ports/warehouse.ts';
import type { DuckdbModule } from './engine.ts';
import type { ColumnEncoder } from './row-encoder.ts';
import { booleanIn, dayIn, instantIn, jsonTextIn, numberIn, type Present, textIn, wholeNumberIn } from './values.ts';

/** One column's way into the appender. */
export interface ColumnWriter extends ColumnEncoder<DuckDBValue> {
  append(appender: DuckDBAppender, value: DuckDBValue): void;
}

/** Ties the two halves to one value type, which the list of a table's columns cannot express. */
const writer = <T extends DuckDBValue>(
  column: Column,
  encode: (cell: Present) => T | undefined,
  append: (appender: DuckDBAppender, value: T) => void,
): ColumnWriter => ({ column, encode, append: (appender, value) => append(appender, value as T) });

const mapped = <A, B>(value: A | undefined, to: (value: A) => B): B | undefined =>
  value === undefined ? undefined : to(value);

export function columnWriter(duckdb: DuckdbModule, column: Column): ColumnWriter {
  switch (column.type) {
    case 'STRING':
      return writer(column, textIn, (appender, value) => appender.appendVarchar(value));
    case 'JSON':
      return writer(column, jsonTextIn, (appender, value) => appender.appendVarchar(value));
    case 'INT64':
      return writer(
        column,
        (cell) => mapped(wholeNumberIn(cell), BigInt),
        (appender, value) => appender.appendBigInt(value),
      );
    case 'FLOAT64':
      return writer(column, numberIn, (appender, value) => appender.appendDouble(value));
    case 'BOOL':
      return writer(column, booleanIn, (appender, value) => appender.appendBoolean(value));
    case 'TIMESTAMP':
      return writer(
        column,
        (cell) => mapped(instantIn(cell), (millis) => new duckdb.DuckDBTimestampValue(BigInt(millis) * 1000n)),
        (appender, value) => appender.appendTimestamp(value),
      );
    case 'DATE':
      return writer(
        column,
        (cell) => mapped(dayIn(cell), (millis) => new duckdb.DuckDBDateValue(millis / MS_PER_DAY)),
        (appender, value) => appender.appendDate(value),
      );
    case 'BYTES':
      return writer(
        column,
        (cell) => mapped(textIn(cell), (base64) => new duckdb.DuckDBBlobValue(Buffer.from(base64, 'base64'))),
        (appender, value) => appender.appendBlob(value.bytes),
      );
    default:
      column.type satisfies never;
      throw new Error(`column ${column.name}: unknown type`);
  }
}

/** A value of a result as a cell: instants as RFC 3339 with milliseconds, whole and decimal numbers as numbers. */
export function toCell(duckdb: DuckdbModule, value: DuckDBValue): Cell {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number')
    return value;
  if (typeof value === 'bigint') return safeNumber(value);
  if (value instanceof duckdb.DuckDBTimestampValue || value instanceof duckdb.DuckDBTimestampTZValue)
    return new Date(Number(value.micros / 1000n)).toISOString();
  if (value instanceof duckdb.DuckDBDateValue) return new Date(value.days * MS_PER_DAY).toISOString().slice(0, 10);
  if (value instanceof duckdb.DuckDBDecimalValue) return value.toDouble();
  if (value instanceof duckdb.DuckDBBlobValue) return Buffer.from(value.bytes).toString('base64');
  throw new RejectedError('query_invalid', `answers a ${value.constructor.name}, which is no cell`);
}

function safeNumber(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RejectedError('query_invalid', `answers ${value}, past 2^53`);
  return number;
}

/** Cells to DuckDB values and back. Checked on the way in: a column of the wrong type is named before anything is written. */
import type { DuckDBAppender, DuckDBValue } from '@duckdb/node-api';
import { MS_PER_DAY } from '#shared/defaults.ts';
import type { Column } from '#shared/domain/columns.ts';
import { RejectedError } from '#shared/errors.ts';
import type { Cell } from '#shared/ports/warehouse.ts';
import type { DuckdbModule } from './engine.ts';

type Present = Exclude<Cell, null>;

/** One column's way into the appender. */
export interface ColumnWriter {
  readonly column: Column;
  /** The value to append; undefined when the cell is not of the column's type. */
  encode(cell: Present): DuckDBValue | undefined;
  append(appender: DuckDBAppender, value: DuckDBValue): void;
}

/** Ties the two halves to one value type, which the list of a table's columns cannot express. */
const writer = <T extends DuckDBValue>(
  column: Column,
  encode: (cell: Present) => T | undefined,
  append: (appender: DuckDBAppender, value: T) => void,
): ColumnWriter => ({ column, encode, append: (appender, value) => append(appender, value as T) });

export function columnWriter(duckdb: DuckdbModule, column: Column): ColumnWriter {
  switch (column.type) {
    case 'STRING':
      return writer(column, text, (appender, value) => appender.appendVarchar(value));
    case 'JSON':
      return writer(column, jsonText, (appender, value) => appender.appendVarchar(value));
    case 'INT64':
      return writer(
        column,
        (cell) => (Number.isSafeInteger(cell) ? BigInt(cell) : undefined),
        (appender, value) => appender.appendBigInt(value),
      );
    case 'FLOAT64':
      return writer(
        column,
        (cell) => (typeof cell === 'number' && Number.isFinite(cell) ? cell : undefined),
        (appender, value) => appender.appendDouble(value),
      );
    case 'BOOL':
      return writer(
        column,
        (cell) => (typeof cell === 'boolean' ? cell : undefined),
        (appender, value) => appender.appendBoolean(value),
      );
    case 'TIMESTAMP':
      return writer(
        column,
        (cell) => {
          const millis = typeof cell === 'string' && RFC3339.test(cell) ? Date.parse(cell) : Number.NaN;
          return Number.isNaN(millis) ? undefined : new duckdb.DuckDBTimestampValue(BigInt(millis) * 1000n);
        },
        (appender, value) => appender.appendTimestamp(value),
      );
    case 'DATE':
      return writer(
        column,
        (cell) => {
          const millis = typeof cell === 'string' && DATE.test(cell) ? Date.parse(`${cell}T00:00:00Z`) : Number.NaN;
          return Number.isNaN(millis) ? undefined : new duckdb.DuckDBDateValue(millis / MS_PER_DAY);
        },
        (appender, value) => appender.appendDate(value),
      );
    case 'BYTES':
      return writer(
        column,
        (cell) => (typeof cell === 'string' ? new duckdb.DuckDBBlobValue(Buffer.from(cell, 'base64')) : undefined),
        (appender, value) => appender.appendBlob(value.bytes),
      );
    default:
      column.type satisfies never;
      throw new Error(`column ${column.name}: unknown type`);
  }
}

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const DATE = /^\d{4}-\d\d-\d\d$/;

const text = (cell: Present): string | undefined => (typeof cell === 'string' ? cell : undefined);

/**
 * The appender does not check JSON, and one malformed text would break every later query that reads into the column. So it
 * is parsed here. The engine also refuses the escape of half a surrogate pair, which JSON.stringify writes: it becomes U+FFFD,
 * as in a STRING.
 */
function jsonText(cell: Present): string | undefined {
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

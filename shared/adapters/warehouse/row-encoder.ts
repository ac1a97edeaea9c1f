import type { Column } from '#shared/domain/columns.ts';
import type { TableName } from '#shared/domain/tables.ts';
import { RejectedError } from '#shared/errors.ts';
import type { Cell, Row } from '#shared/ports/warehouse.ts';
import type { Present } from './values.ts';

/** A column, and how an engine takes its cells. */
export interface ColumnEncoder<V> {
  readonly column: Column;
  /** Undefined when the cell is not of the column's type. */
  encode(cell: Present): V | undefined;
}

/**
 * A row as the engine's values in the order of `encoders`, checked as a whole: the column at fault is named before anything is
 * written. What it answers throws RejectedError row_invalid.
 */
export function rowEncoder<V>(table: TableName, encoders: readonly ColumnEncoder<V>[]) {
  const names = new Set(encoders.map(({ column }) => column.name));
  return (row: Row, index: number): readonly (V | null)[] => {
    const refuse = (problem: string) => new RejectedError('row_invalid', `${table} row ${index}: ${problem}`);
    for (const name of Object.keys(row))
      if (!names.has(name)) throw refuse(`there is no column ${JSON.stringify(name)}`);
    return encoders.map(({ column, encode }) => {
      const cell = row[column.name] ?? null;
      if (cell === null) {
        if (column.nullable) return null;
        throw refuse(`column ${column.name} must not be NULL`);
      }
      const value = encode(cell);
      if (value === undefined) throw refuse(`column ${column.name}: expected ${column.type}, got ${shown(cell)}`);
      return value;
    });
  };
}

const shown = (cell: Cell): string => JSON.stringify(typeof cell === 'string' ? cell.slice(0, 64) : cell);

import { columnsOf } from '../columns.ts';
import { ENVELOPE_COLUMNS, type TableName, type TableSchema } from '../tables.ts';
import { EVENTS } from './catalogue.ts';

const CLUSTERED_BY = ['decision_id', 'provider', 'tenant_id', 'version', 'code', 'suite', 'check_id'];

/** Every table, its columns derived from the event's zod schema. */
export const TABLES: readonly TableSchema[] = Object.values(EVENTS).map((event) => {
  const own = columnsOf(event.schema).filter((column) => column.name !== 'schema_version');
  return {
    name: event.table,
    columns: [...ENVELOPE_COLUMNS, ...own],
    partitionBy: 'event_date',
    clusterBy: own.map((column) => column.name).filter((name) => CLUSTERED_BY.includes(name)),
  };
});

export function tableSchema(name: TableName): TableSchema {
  const found = TABLES.find((table) => table.name === name);
  if (found === undefined) throw new Error(`no event writes table ${name}`);
  return found;
}

import type { Column } from './columns.ts';

/** Tables of the warehouse, one per kept event. Every table has its view `<table>_distinct`. */
export type TableName =
  | 'routing_decisions'
  | 'routing_outcomes'
  | 'deployments_requested'
  | 'provider_offers'
  | 'training_requested'
  | 'model_trained'
  | 'model_promoted'
  | 'probe_requested'
  | 'probe_results'
  | 'alerts'
  | 'rejected_events';

/** Columns that every table has before those of its event. `event_date` is the UTC date of the event's own time: the partition. */
export const ENVELOPE_COLUMNS: readonly Column[] = [
  { name: 'event_id', type: 'STRING', nullable: false },
  { name: 'event_date', type: 'DATE', nullable: false },
  { name: 'ingested_at', type: 'TIMESTAMP', nullable: false },
  { name: 'schema_version', type: 'STRING', nullable: false },
];

export interface TableSchema {
  readonly name: TableName;
  readonly columns: readonly Column[];
  /** Column by which the engine partitions. */
  readonly partitionBy: 'event_date';
  /** Columns that the named queries filter by. */
  readonly clusterBy: readonly string[];
}

/** What BigQuery answers to a dry run (https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobStatistics2). */
import { z } from 'zod';
import { TransientError } from '#shared/errors.ts';
import type { QueryEstimate } from '#shared/ports/warehouse.ts';

const ACCURACY = {
  PRECISE: 'precise',
  UPPER_BOUND: 'at most',
  LOWER_BOUND: 'at least',
  UNKNOWN: 'unknown',
} as const;

const dryRun = z.object({
  statistics: z.object({
    totalBytesProcessed: z.string().regex(/^\d+$/).transform(Number),
    query: z
      .object({
        totalBytesProcessedAccuracy: z.enum(Object.keys(ACCURACY) as (keyof typeof ACCURACY)[]).catch('UNKNOWN'),
        referencedTables: z.array(z.unknown()).default([]),
      })
      .default({ totalBytesProcessedAccuracy: 'UNKNOWN', referencedTables: [] }),
  }),
});

/** @throws TransientError warehouse_unavailable: it answers something else */
export function estimateIn(metadata: unknown): QueryEstimate {
  const parsed = dryRun.safeParse(metadata);
  if (!parsed.success)
    throw new TransientError('warehouse_unavailable', 'BigQuery answers a dry run without its bytes');
  const { totalBytesProcessed: bytes, query } = parsed.data.statistics;
  return { bytes, tables: query.referencedTables.length, accuracy: ACCURACY[query.totalBytesProcessedAccuracy] };
}

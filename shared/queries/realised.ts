import { z } from 'zod';
import { defineQuery, EVERY_DAY, firstArrivals } from './fragments.ts';

/**
 * What the first attempts of each decision mode came to: how many ended, the share completed, the mean price paid
 * (USD per GPU-hour) and the quantiles of measured latency (ms), the latter three null where nothing was measured.
 */
export const realisedByMode = defineQuery({
  name: 'realised_by_mode',
  params: z.strictObject({}),
  row: z.object({
    mode: z.string(),
    outcomes: z.int(),
    completed_share: z.number(),
    mean_usd_per_gpu_hour: z.number().nullable(),
    latency_p50_ms: z.number().nullable(),
    latency_p95_ms: z.number().nullable(),
  }),
  sql: (dialect) => `
SELECT
  mode,
  COUNT(*) AS outcomes,
  COUNTIF(status = 'completed') / COUNT(*) AS completed_share,
  AVG(effective_usd_per_gpu_hour) AS mean_usd_per_gpu_hour,
  ${dialect.quantile('latency_ms', 0.5)} AS latency_p50_ms,
  ${dialect.quantile('latency_ms', 0.95)} AS latency_p95_ms
FROM ${firstArrivals(dialect, 'routing_outcomes', EVERY_DAY)}
WHERE final AND attempt = 0
GROUP BY mode
ORDER BY mode`,
});

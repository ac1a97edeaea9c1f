import { z } from 'zod';
import { timestamp } from '#shared/domain/primitives.ts';
import { defineQuery, firstArrivals, fromDayOf } from './fragments.ts';

/**
 * What a GPU type cost at a provider, USD per GPU-hour, in each stretch of `bucket_ms` (an hour: 3,600,000; a day: 86,400,000) from
 * `from` until `to`: of the active offers that were new or changed in it, for only those are on record; where nothing changed there
 * is no row, and the price is that of the stretch before. `bucket` counts from 0.
 */
export const providerPrices = defineQuery({
  name: 'provider_prices',
  params: z.strictObject({ from: timestamp, to: timestamp, bucket_ms: z.int().min(1) }),
  row: z.object({
    provider: z.string(),
    gpu_type: z.string(),
    bucket: z.int(),
    offers: z.int(),
    min_usd_per_gpu_hour: z.number(),
    median_usd_per_gpu_hour: z.number(),
  }),
  sql: (dialect) => {
    const [from, to] = [dialect.timestamp(dialect.param('from')), dialect.timestamp(dialect.param('to'))];
    const days = `${fromDayOf(dialect, 'from')} AND event_date <= DATE(${to})`;
    return `
SELECT
  provider,
  gpu_type,
  CAST(FLOOR(${dialect.millisBetween(from, 'observed_at')} / ${dialect.param('bucket_ms')}) AS INT64) AS bucket,
  COUNT(DISTINCT offer_id) AS offers,
  MIN(usd_per_gpu_hour) AS min_usd_per_gpu_hour,
  ${dialect.quantile('usd_per_gpu_hour', 0.5)} AS median_usd_per_gpu_hour
FROM ${firstArrivals(dialect, 'provider_offers', days)}
WHERE active AND observed_at >= ${from} AND observed_at < ${to}
GROUP BY provider, gpu_type, bucket
ORDER BY provider, gpu_type, bucket`;
  },
});

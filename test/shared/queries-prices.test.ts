import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDuckdbWarehouse } from '#shared/adapters/warehouse/duckdb.ts';
import { MS_PER_DAY, MS_PER_HOUR } from '#shared/defaults.ts';
import type { Offer } from '#shared/domain/offer.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { Warehouse } from '#shared/ports/warehouse.ts';
import { providerPrices } from '#shared/queries/provider-prices.ts';
import { NOON, rowOf } from '#test/contract/warehouse-rows.ts';
import { anOffer } from '#test/support/offers.ts';

const hour = (hours: number): string => rfc3339(NOON + hours * MS_PER_HOUR);

/** offer, hour of its change, price; more. */
const CHANGES: readonly [string, number, number, Partial<Offer>?][] = [
  ['vast:1', 0, 0.4],
  ['vast:2', 0.5, 0.2],
  ['vast:3', 0.9, 0.3],
  ['vast:9', 0.9, 0.01, { active: false }],
  ['vast:1', 1.1, 0.5],
  ['vast:1', 1.2, 0.7],
  ['vast:h', 0.1, 2, { gpu_type: 'h100' }],
  ['akash:1', 0.2, 0.6, { provider: 'akash' }],
  ['vast:1', -0.001, 9],
  ['vast:1', 48, 8],
  ['vast:1', 25, 0.1],
];

let directory: string;
let warehouse: Warehouse;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'aurora-prices-'));
  warehouse = await createDuckdbWarehouse({ file: join(directory, 'warehouse.duckdb') });
  const rows = CHANGES.map(([offer_id, at, usd_per_gpu_hour, more]) =>
    rowOf('provider-offer', anOffer({ offer_id, usd_per_gpu_hour, observed_at: hour(at), ...more })),
  );
  await warehouse.append('provider_offers', rows);
  // Delivered twice.
  await warehouse.append('provider_offers', rows.slice(0, 2));
});
afterAll(async () => {
  await warehouse.close();
  await rm(directory, { recursive: true });
});

const prices = async (bucket_ms: number) =>
  (await warehouse.query(providerPrices, { from: hour(0), to: hour(48), bucket_ms })).map((row) => [
    `${row.provider} ${row.gpu_type} ${row.bucket}`,
    row.offers,
    row.min_usd_per_gpu_hour,
    row.median_usd_per_gpu_hour,
  ]);

test('provider_prices: least and middle price of what was new or changed, by the hour; ends of the span as said', async () => {
  expect(await prices(MS_PER_HOUR)).toEqual([
    ['akash rtx4090 0', 1, 0.6, 0.6],
    ['vast h100 0', 1, 2, 2],
    ['vast rtx4090 0', 3, 0.2, 0.3],
    ['vast rtx4090 1', 1, 0.5, expect.closeTo(0.6, 12)],
    ['vast rtx4090 25', 1, 0.1, 0.1],
  ]);
});

test('and by the day', async () => {
  expect(await prices(MS_PER_DAY)).toEqual([
    ['akash rtx4090 0', 1, 0.6, 0.6],
    ['vast h100 0', 1, 2, 2],
    ['vast rtx4090 0', 3, 0.2, 0.4],
    ['vast rtx4090 1', 1, 0.1, 0.1],
  ]);
});

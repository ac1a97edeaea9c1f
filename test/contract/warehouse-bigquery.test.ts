import { hostClock } from '#shared/adapters/clock/host.ts';
import { createBigqueryWarehouse } from '#shared/adapters/warehouse/bigquery/index.ts';
import { DATASET, PROJECT, startBigqueryFake } from '#test/support/bigquery/server.ts';
import { warehouseContract } from './warehouse.ts';

warehouseContract('BigQuery', async () => {
  const fake = await startBigqueryFake();
  return {
    open: async () =>
      createBigqueryWarehouse({
        projectId: PROJECT,
        dataset: DATASET,
        location: 'EU',
        endpoint: fake.endpoint,
        hostClock,
        maxBytesBilled: 1e9,
      }),
    dispose: () => fake.close(),
  };
});

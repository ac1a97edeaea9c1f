import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDuckdbWarehouse } from '#shared/adapters/warehouse/duckdb.ts';
import { warehouseContract } from './warehouse.ts';

warehouseContract('DuckDB', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'aurora-warehouse-'));
  return {
    open: () => createDuckdbWarehouse({ file: join(directory, 'warehouse.duckdb') }),
    dispose: () => rm(directory, { recursive: true }),
  };
});

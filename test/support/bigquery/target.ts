/**
 * What the suite of BigQuery runs against: our fake, or what AURORA_TEST_BIGQUERY_ENDPOINT names, an emulator or Google's own
 * (https://bigquery.googleapis.com, by the ambient identity, in AURORA_TEST_PROJECT and AURORA_TEST_LOCATION). There each warehouse is
 * a dataset of its own, made as terraform makes it and removed here.
 */
import { randomUUID } from 'node:crypto';
import { BigQuery } from '@google-cloud/bigquery';
import { PassThroughClient } from 'google-auth-library';
import type { BigqueryOptions } from '#shared/adapters/warehouse/bigquery/index.ts';
import { bigqueryFields, bigqueryTableOptions } from '#shared/adapters/warehouse/ddl.ts';
import { TABLES } from '#shared/domain/events/schemas.ts';
import { type GivenEndpoint, givenEndpoint } from '../given-endpoint.ts';
import { DATASET, PROJECT, startBigqueryFake } from './server.ts';

type Where = Pick<BigqueryOptions, 'projectId' | 'dataset' | 'location' | 'endpoint'>;

export interface WarehouseTarget {
  /** For the title of a suite. */
  readonly name: string;
  /** With empty tables. */
  dataset(): Promise<{ readonly where: Where; dispose(): Promise<void> }>;
}

const fakeTarget: WarehouseTarget = {
  name: 'BigQuery, by the fake',
  async dataset() {
    const fake = await startBigqueryFake();
    return {
      where: { projectId: PROJECT, dataset: DATASET, location: 'EU', endpoint: fake.endpoint },
      dispose: () => fake.close(),
    };
  },
};

export function datasetsAt({ title, endpoint, projectId, location }: GivenEndpoint): WarehouseTarget {
  const elsewhere = endpoint === null ? {} : { apiEndpoint: endpoint, authClient: new PassThroughClient() };
  const bigquery = new BigQuery({ projectId, location, ...elsewhere });
  return {
    name: `BigQuery at ${title}`,
    async dataset() {
      const dataset = `aurora_test_${randomUUID().replaceAll('-', '')}`;
      await bigquery.createDataset(dataset, { location });
      for (const schema of TABLES) {
        const options = bigqueryTableOptions(schema);
        await bigquery.dataset(dataset).createTable(schema.name, {
          schema: { fields: bigqueryFields(schema.columns).map((field) => ({ ...field })) },
          timePartitioning: { type: options.partition_type, field: options.partition_by },
          requirePartitionFilter: options.require_partition_filter,
          ...(options.cluster_by.length === 0 ? {} : { clustering: { fields: [...options.cluster_by] } }),
        });
        const query = options.view_query.replace('PROJECT.DATASET', `${projectId}.${dataset}`);
        await bigquery.dataset(dataset).createTable(options.view, { view: { query, useLegacySql: false } });
      }
      return {
        where: { projectId, dataset, location, endpoint },
        async dispose() {
          await bigquery.dataset(dataset).delete({ force: true });
        },
      };
    },
  };
}

export function warehouseTarget(suite: string): WarehouseTarget {
  const given = givenEndpoint(suite, 'AURORA_TEST_BIGQUERY_ENDPOINT');
  return given === null ? fakeTarget : datasetsAt(given);
}

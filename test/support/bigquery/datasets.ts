/** Datasets of the fake: one that is there, and those that a test makes, whose tables must be those of terraform. */

import { isDeepStrictEqual } from 'node:util';
import { bigqueryFields, bigqueryTableOptions } from '#shared/adapters/warehouse/ddl.ts';
import { TABLES } from '#shared/domain/events/schemas.ts';
import { type Engine, InvalidQuery, openEngine } from './engine.ts';

export const PROJECT = 'aurora-test';
export const DATASET = 'aurora';
export const BASE = `/bigquery/v2/projects/${PROJECT}`;

export interface Dataset {
  readonly engine: Engine;
  /** Names of the tables that are there. */
  readonly made: Set<string>;
}
type Datasets = Map<string, Dataset>;

export const madeDataset = async (name: string): Promise<Dataset> => ({
  engine: await openEngine(`${PROJECT}.${name}`),
  made: new Set(),
});

export function datasetAt(datasets: Datasets, name: string): Dataset {
  const found = datasets.get(name);
  if (found === undefined) throw new InvalidQuery(`Not found: Dataset ${PROJECT}:${name}`);
  return found;
}

/** Of the dataset that a query names first. */
export function engineOf(datasets: Datasets, query: Readonly<Record<string, unknown>> | null): Engine {
  const [, name = DATASET] = new RegExp(`\`${PROJECT}\\.(\\w+)\\.`).exec(String(query?.['query'])) ?? [];
  return datasetAt(datasets, name).engine;
}

/** Makes and removes datasets and tables; null: that is another request. */
export async function administer(
  datasets: Datasets,
  line: string,
  body: Readonly<Record<string, unknown>> | null,
  query: URLSearchParams,
): Promise<object | null> {
  if (line === `POST ${BASE}/datasets`) {
    const { datasetId = '' } = (body?.['datasetReference'] ?? {}) as { datasetId?: string };
    datasets.set(datasetId, await madeDataset(datasetId));
    return { kind: 'bigquery#dataset', datasetReference: { projectId: PROJECT, datasetId } };
  }
  const [, method, name = '', tables] =
    new RegExp(`^(POST|DELETE) ${BASE}/datasets/(\\w+)(/tables)?$`).exec(line) ?? [];
  if (method === 'POST' && tables !== undefined) {
    const { tableId = '' } = (body?.['tableReference'] ?? {}) as { tableId?: string };
    if (!isOurs(name, tableId, body)) throw new InvalidQuery(`table ${tableId} is not as terraform makes it`);
    datasetAt(datasets, name).made.add(tableId);
    return { kind: 'bigquery#table', tableReference: { projectId: PROJECT, datasetId: name, tableId } };
  }
  if (method === 'DELETE' && tables === undefined) {
    if (query.get('deleteContents') !== 'true') throw new InvalidQuery(`Dataset ${name} is still in use`);
    datasetAt(datasets, name).engine.close();
    datasets.delete(name);
    return {};
  }
  return null;
}

/** Field by field what the generated schemas say (terraform/schemas). */
function isOurs(dataset: string, tableId: string, body: Readonly<Record<string, unknown>> | null): boolean {
  return TABLES.some((schema) => {
    const options = bigqueryTableOptions(schema);
    if (tableId === options.view) {
      const text = options.view_query.replace('PROJECT.DATASET', `${PROJECT}.${dataset}`);
      return isDeepStrictEqual(body?.['view'], { query: text, useLegacySql: false });
    }
    return (
      tableId === schema.name &&
      isDeepStrictEqual(body?.['schema'], { fields: bigqueryFields(schema.columns) }) &&
      isDeepStrictEqual(body?.['timePartitioning'], { type: options.partition_type, field: options.partition_by }) &&
      isDeepStrictEqual(body?.['clustering'] ?? { fields: [] }, { fields: options.cluster_by }) &&
      body?.['requirePartitionFilter'] === options.require_partition_filter
    );
  });
}

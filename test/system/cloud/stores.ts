/** The fakes of Cloud Storage and BigQuery, in this process, and who is told as something becomes durable in them. */
import type { Closer } from '#shared/runtime/closing.ts';
import { startBigqueryFake } from '#test/support/bigquery/server.ts';
import { startGcsFake } from '#test/support/gcs/server.ts';
import type { Effect } from './moments.ts';

export interface Stores {
  readonly storage: string;
  readonly bigquery: string;
  /** Effects so far. */
  effects(): number;
  /** Told of each. True: whoever caused it never hears that it is done. */
  onEffect: (effect: Effect) => boolean;
}

export async function startStores(defer: (closer: Closer) => void): Promise<Stores> {
  const storage = await startGcsFake();
  defer(() => storage.close());
  const bigquery = await startBigqueryFake();
  defer(() => bigquery.close());
  let effects = 0;
  const stores: Stores = {
    storage: storage.endpoint,
    bigquery: bigquery.endpoint,
    effects: () => effects,
    onEffect: () => false,
  };
  const tell = (effect: Effect): 'answer lost' | null => {
    effects += 1;
    return stores.onEffect(effect) ? 'answer lost' : null;
  };
  storage.fault = ({ method, query }) =>
    method === 'POST'
      ? tell({ object: query.get('name') ?? '', created: query.get('ifGenerationMatch') === '0' })
      : null;
  bigquery.fault = (line) => {
    const [, table] = /\/tables\/(\w+)\/insertAll$/.exec(line) ?? [];
    return table === undefined ? null : tell({ table });
  };
  return stores;
}

/** The fakes of Cloud Storage and BigQuery, in this process, and who is told as something becomes durable in them. */
import type { Closer } from '#shared/runtime/closing.ts';
import { startCloud } from '#test/support/cloud.ts';
import type { Effect } from './moments.ts';

export interface Stores {
  /** Of whoever works on them. */
  readonly environment: Readonly<Record<string, string>>;
  /** Effects so far. */
  effects(): number;
  /** Told of each. True: whoever caused it never hears that it is done. */
  onEffect: (effect: Effect) => boolean;
}

/** @param pubsub `host:port` of the emulator */
export async function startStores(pubsub: string, defer: (closer: Closer) => void): Promise<Stores> {
  const { storage, bigquery, environment, close } = await startCloud(pubsub);
  defer(close);
  let effects = 0;
  const stores: Stores = { environment, effects: () => effects, onEffect: () => false };
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

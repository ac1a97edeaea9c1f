import type { HostClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import { openWorkerBus } from './client.ts';
import { createEngine, type EmbeddedBus, type EngineConfig } from './engine.ts';
import { httpPush } from './push.ts';
import { openStore, type Store } from './store.ts';
import { storeError } from './store-error.ts';

export type { EmbeddedBus } from './engine.ts';

export interface EmbeddedBusOptions extends EngineConfig {
  /** The database file; its folder must exist. `-wal` and `-shm` files live beside it. */
  readonly file: string;
  /** Cap of the file; publishing past nine tenths of it is refused with disk_full. Default: none. */
  readonly maxBytes?: number;
  /** Used in process; the worker thread has the machine's clock. */
  readonly hostClock: HostClock;
  /** Jitter of the backoff; seeds the worker's own generator. */
  readonly random: () => number;
  readonly log?: Log;
  /** Runs in this thread, for tests and one-off commands. Default: a worker thread. */
  readonly inProcess?: boolean;
}

const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};

/**
 * The bus of one machine: node:sqlite (WAL, synchronous FULL, group commit) and HTTP pushes with Pub/Sub's envelope.
 * Before `start` it publishes and administers only, so that a command can use it while nothing else runs. One process
 * at a time is the rule; two do not corrupt the file, they wait for each other.
 * @throws TransientError bus_unavailable, disk_full when the file cannot be opened
 * @throws RejectedError topic_unknown, config_invalid when the subscriptions do not fit
 */
export async function createEmbeddedBus(options: EmbeddedBusOptions): Promise<EmbeddedBus> {
  const { file, maxBytes, hostClock, random, log = silent, inProcess = false, ...config } = options;
  if (!inProcess) return openWorkerBus({ file, maxBytes, config, seed: Math.floor(random() * 2 ** 32) }, log);
  let store: Store | undefined;
  const client = httpPush();
  try {
    store = openStore({ file, ...(maxBytes === undefined ? {} : { maxBytes }) });
    const bus = createEngine(config, { store, clock: hostClock, random, push: client.push, log });
    return { ...bus, close: () => bus.close().then(client.close) };
  } catch (error) {
    store?.close();
    await client.close();
    throw storeError(error);
  }
}

import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LIST_LIMIT_DEFAULT, STATE_PURGE_INTERVAL_MS } from '#shared/defaults.ts';
import { TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import type { State, StateEntry } from '#shared/ports/state.ts';
import { openThread } from '../thread/client.ts';
import { createEngine, type Engine, type Operation, type ResultOf } from './engine.ts';
import { asStateError } from './failure.ts';
import { openTable, type StoredEntry } from './table.ts';
import { checkedEntry, checkKey, checkPage } from './value.ts';

/** Expired entries removed at a time: about 2 ms of the event loop. */
const PURGE_BATCH = 500;

export interface SqliteStateOptions {
  readonly file: string;
  readonly hostClock: HostClock;
  /**
   * Syncs of the disk in a thread of its own: this event loop goes on meanwhile, and what it asks for then shares the next one.
   * Default: here, which one command is sooner done with than a thread has started.
   */
  readonly thread?: { readonly log: Log };
}

/**
 * State in one SQLite file, for one process or several. Operations issued in one turn of the event loop share a transaction.
 * @throws TransientError state_unavailable, disk_full
 */
export async function createSqliteState({ file, hostClock, thread }: SqliteStateOptions): Promise<State> {
  try {
    await mkdir(dirname(file), { recursive: true });
    const engine = thread === undefined ? createEngine(openTable(file)) : await engineInThread(file, thread.log);
    return stateOver(engine, hostClock);
  } catch (error) {
    throw asStateError(error, `open state store ${file}`);
  }
}

async function engineInThread(file: string, log: Log): Promise<Engine> {
  const url = new URL('./worker.ts', import.meta.url);
  const name = 'the state store';
  const { call, close } = await openThread({ url, workerData: { file }, name, unavailable: 'state_unavailable', log });
  return { run: (operation) => call('run', operation), close };
}

function stateOver(engine: Engine, hostClock: HostClock): State {
  let closed = false;

  async function run<O extends Operation>(doing: string, operation: O): Promise<ResultOf<O>> {
    if (closed) throw new TransientError('state_unavailable', `${doing}: the state store is closed`);
    try {
      return await engine.run(operation);
    } catch (error) {
      throw asStateError(error, doing);
    }
  }
  const stopPurging = purgePeriodically(
    () => run('purge', { kind: 'purge', limit: PURGE_BATCH, nowMs: hostClock.now() }),
    hostClock,
  );

  return {
    async get(key) {
      checkKey(key);
      const found = await run(`get ${key}`, { kind: 'get', key, nowMs: hostClock.now() });
      return found === null ? null : asEntry(found);
    },
    async create(key, value, { ttlMs } = {}) {
      const text = checkedEntry(key, value, ttlMs);
      const asked = { kind: 'create', key, text, ttlMs: ttlMs ?? null, nowMs: hostClock.now() } as const;
      const made = await run(`create ${key}`, asked);
      return 'there' in made
        ? { created: false, entry: asEntry(made.there) }
        : { created: true, entry: asEntry({ key, value: text, version: made.version }) };
    },
    async swap(key, version, value, { ttlMs } = {}) {
      const text = checkedEntry(key, value, ttlMs);
      const asked = { kind: 'swap', key, version, text, ttlMs: ttlMs ?? null, nowMs: hostClock.now() } as const;
      const swapped = await run(`swap ${key}`, asked);
      return swapped === null ? null : asEntry({ key, value: text, version: swapped });
    },
    async remove(key, version) {
      checkKey(key);
      return await run(`remove ${key}`, { kind: 'remove', key, version, nowMs: hostClock.now() });
    },
    async list(prefix, { after = '', limit = LIST_LIMIT_DEFAULT } = {}) {
      checkPage(prefix, after);
      const found = await run(`list ${prefix}`, { kind: 'list', prefix, after, limit, nowMs: hostClock.now() });
      return found.map(asEntry);
    },
    async close() {
      if (closed) return;
      closed = true;
      stopPurging();
      await engine.close();
    },
  };
}

/** Gives the disk its space back, a batch at a time. A purge that fails costs only space, and the next one does its work. */
function purgePeriodically(purge: () => Promise<number>, hostClock: HostClock): () => void {
  let stopped = false;
  let cancel = hostClock.after(STATE_PURGE_INTERVAL_MS, next);
  function next(): void {
    purge()
      .catch((error: unknown) => {
        if (!(error instanceof TransientError)) throw error;
        return 0;
      })
      .then((removed) => {
        if (!stopped) cancel = hostClock.after(removed === PURGE_BATCH ? 0 : STATE_PURGE_INTERVAL_MS, next);
      });
  }
  return () => {
    stopped = true;
    cancel();
  };
}

/** Who writes seldom looks at what was written: its text is parsed when somebody does. */
const asEntry = ({ key, value: text, version }: Omit<StoredEntry, 'expiresAt'>): StateEntry => {
  let parsed: { readonly value: unknown } | null = null;
  return {
    key,
    get value() {
      parsed ??= { value: JSON.parse(text) as unknown };
      return parsed.value;
    },
    version,
  };
};

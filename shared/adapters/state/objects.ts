/**
 * State in an object store: an entry is an object, its version the generation, so that every promise is one precondition.
 * Names are the keys in hexadecimal, whose order is that of the keys' bytes: hashed ones could not be listed by prefix, in order. For the small, seldom state of services in the
 * cloud: an operation is one or two requests, and one entry takes about one write a second.
 *
 * Time to live: `expires_at` stands in the entry's metadata, where a listing sees it. Whoever meets an entry past it removes
 * it; those that nobody meets are left to a lifecycle rule of the bucket (customTime, which the adapter of Cloud Storage sets).
 */
import { z } from 'zod';
import { LIST_LIMIT_DEFAULT, STATE_DEADLINE_MS } from '#shared/defaults.ts';
import { AuroraError, RejectedError, TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { ObjectEntry, Objects, StoredObject } from '#shared/ports/objects.ts';
import type { State, StateEntry } from '#shared/ports/state.ts';
import { within } from '../client/waits.ts';
import { asStateError } from './failure.ts';
import { checkedEntry, checkKey, checkPage } from './value.ts';

export interface ObjectStateOptions {
  readonly objects: Objects;
  /** Folder of the entries, ends with a slash. */
  readonly folder: string;
  readonly hostClock: HostClock;
}

/** In hexadecimal, with its folder, it fits a name of 1024 bytes. */
const MAX_KEY_BYTES = 480;
/** Entries of a listing that are read at a time. */
const READS_AT_ONCE = 16;
/** Others that create and remove the same key while it is created here. */
const CREATE_TRIES = 10;

export function createObjectState({ objects, folder, hostClock }: ObjectStateOptions): State {
  /** Of each key, the last operation that was asked for: what one client asks is done in order. */
  const last = new Map<string, Promise<unknown>>();
  let closed = false;

  const nameOf = (key: string): string => folder + Buffer.from(key).toString('hex');
  const isExpired = ({ metadata }: Pick<ObjectEntry, 'metadata'>): boolean =>
    metadata['expires_at'] !== undefined && Date.parse(metadata['expires_at']) <= hostClock.now();
  const metadataOf = (ttlMs: number | undefined): Readonly<Record<string, string>> =>
    ttlMs === undefined ? {} : { expires_at: new Date(hostClock.now() + ttlMs).toISOString() };

  async function run<T>(doing: string, operation: () => Promise<T>): Promise<T> {
    if (closed) throw new TransientError('state_unavailable', `${doing}: the state store is closed`);
    try {
      return await operation();
    } catch (error) {
      throw asStateError(error, doing);
    }
  }
  const inTurn = <T>(key: string, doing: string, operation: () => Promise<T>): Promise<T> =>
    run(doing, () => {
      const before = last.get(key) ?? Promise.resolve();
      // The deadline is its own: whoever waits for its turn has those before it to thank.
      const turn = before.then(() => within(hostClock, STATE_DEADLINE_MS, operation));
      const settled = turn.then(
        () => undefined,
        () => undefined,
      );
      last.set(key, settled);
      void settled.then(() => {
        if (last.get(key) === settled) last.delete(key);
      });
      return turn;
    });

  /** Gone for good, once anybody has seen that its time is over. */
  const discard = async (name: string, generation: string): Promise<void> => {
    await unlessConditionFailed(objects.remove(name, { generationMatch: generation }));
  };
  const findLive = async (key: string): Promise<(StoredObject & { readonly entry: StateEntry }) | null> => {
    const name = nameOf(key);
    const found = await objects.read(name);
    if (found === null) return null;
    if (!isExpired(found)) return { ...found, entry: entryIn(name, found) };
    await discard(name, found.generation);
    return null;
  };
  /** Null: the precondition does not hold. */
  const put = async (
    key: string,
    value: string,
    ttlMs: number | undefined,
    generationMatch: string,
  ): Promise<StateEntry | null> => {
    const bytes = new TextEncoder().encode(`{"key":${JSON.stringify(key)},"value":${value}}`);
    const written = await unlessConditionFailed(
      objects.write(nameOf(key), bytes, { generationMatch }, metadataOf(ttlMs)),
    );
    return written === null ? null : { key, value: JSON.parse(value) as unknown, version: written.generation };
  };

  return {
    async get(key) {
      checkOurs(key);
      return await inTurn(key, `get ${key}`, async () => (await findLive(key))?.entry ?? null);
    },
    async create(key, value, { ttlMs } = {}) {
      checkOurs(key);
      const text = checkedEntry(key, value, ttlMs);
      return await inTurn(key, `create ${key}`, async () => {
        for (let attempt = 1; attempt <= CREATE_TRIES; attempt += 1) {
          const entry = await put(key, text, ttlMs, '0');
          if (entry !== null) return { created: true, entry };
          const live = await findLive(key);
          if (live !== null) return { created: false, entry: live.entry };
        }
        throw new TransientError('state_unavailable', `create ${key}: created and removed by others all the while`);
      });
    },
    async swap(key, version, value, { ttlMs } = {}) {
      checkOurs(key);
      const text = checkedEntry(key, value, ttlMs);
      return await inTurn(key, `swap ${key}`, async () => {
        const live = await findLive(key);
        return live?.generation === version ? await put(key, text, ttlMs, version) : null;
      });
    },
    async remove(key, version) {
      checkOurs(key);
      return await inTurn(key, `remove ${key}`, async () => {
        const live = await findLive(key);
        if (live?.generation !== version) return false;
        return (await unlessConditionFailed(objects.remove(nameOf(key), { generationMatch: version }))) ?? false;
      });
    },
    async list(prefix, { limit = LIST_LIMIT_DEFAULT, after = '' } = {}) {
      checkPage(prefix, after);
      return await run(`list ${prefix}`, async () => {
        await Promise.all(last.values());
        const entries: StateEntry[] = [];
        for (let from = after === '' ? '' : nameOf(after); entries.length < limit; ) {
          const wanted = limit - entries.length;
          const page = await objects.list(nameOf(prefix), { limit: wanted, after: from });
          entries.push(...(await entriesOf(page)));
          from = page.at(-1)?.name ?? '';
          if (page.length < wanted) break;
        }
        return entries;
      });
    },
    async close() {
      closed = true;
      await Promise.all(last.values());
    },
  };

  /** Those that live, with their values. */
  async function entriesOf(page: readonly ObjectEntry[]): Promise<readonly StateEntry[]> {
    const entries: StateEntry[] = [];
    for (let start = 0; start < page.length; start += READS_AT_ONCE) {
      const some = page.slice(start, start + READS_AT_ONCE).map(async (listed) => {
        if (!isExpired(listed)) {
          const found = await objects.read(listed.name);
          return found === null || isExpired(found) ? null : entryIn(listed.name, found);
        }
        await discard(listed.name, listed.generation);
        return null;
      });
      entries.push(...(await Promise.all(some)).filter((entry) => entry !== null));
    }
    return entries;
  }
}

function checkOurs(key: string): void {
  checkKey(key);
  const bytes = Buffer.byteLength(key);
  if (bytes > MAX_KEY_BYTES)
    throw new RejectedError(
      'state_entry_invalid',
      `state key ${JSON.stringify(key.slice(0, 80))}: an object store takes keys of up to ${MAX_KEY_BYTES} bytes, got ${bytes}`,
    );
}

const content = z.object({ key: z.string(), value: z.unknown() });

/** @throws RejectedError store_corrupt: somebody else wrote it */
function entryIn(name: string, { bytes, generation }: StoredObject): StateEntry {
  try {
    const { key, value } = content.parse(JSON.parse(new TextDecoder().decode(bytes)));
    return { key, value, version: generation };
  } catch (cause) {
    throw new RejectedError('store_corrupt', `object ${name}: is not an entry of the state store`, { cause });
  }
}

/** Null instead of object_precondition_failed. */
async function unlessConditionFailed<T>(writing: Promise<T>): Promise<T | null> {
  try {
    return await writing;
  } catch (error) {
    if (error instanceof AuroraError && error.code === 'object_precondition_failed') return null;
    throw error;
  }
}

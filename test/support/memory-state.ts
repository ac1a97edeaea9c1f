import type { Clock } from '#shared/ports/clock.ts';
import type { State, StateEntry, StateOptions } from '#shared/ports/state.ts';

interface Held {
  readonly value: unknown;
  readonly version: string;
  readonly expiresAt: number;
}

const nextLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A state store in memory on a fake clock. `turn`: how long an operation takes; at least until others have had theirs. */
export function memoryState(clock: Clock, turn: () => Promise<void> = nextLoop): State {
  const held = new Map<string, Held>();
  let versions = 0;
  const live = (key: string): Held | undefined => {
    const entry = held.get(key);
    return entry !== undefined && entry.expiresAt > clock.now() ? entry : undefined;
  };
  const entryOf = (key: string, { value, version }: Held): StateEntry => ({
    key,
    value: structuredClone(value),
    version,
  });
  const put = (key: string, value: unknown, { ttlMs }: StateOptions): StateEntry => {
    versions += 1;
    const expiresAt = ttlMs === undefined ? Number.POSITIVE_INFINITY : clock.now() + ttlMs;
    const entry = { value: structuredClone(value), version: String(versions), expiresAt };
    held.set(key, entry);
    return entryOf(key, entry);
  };

  return {
    async get(key) {
      await turn();
      const entry = live(key);
      return entry === undefined ? null : entryOf(key, entry);
    },
    async create(key, value, options = {}) {
      await turn();
      const there = live(key);
      if (there !== undefined) return { created: false, entry: entryOf(key, there) };
      return { created: true, entry: put(key, value, options) };
    },
    async swap(key, version, value, options = {}) {
      await turn();
      return live(key)?.version === version ? put(key, value, options) : null;
    },
    async remove(key, version) {
      await turn();
      return live(key)?.version === version && held.delete(key);
    },
    async list(prefix, { limit = 1000, after } = {}) {
      await turn();
      return [...held.keys()]
        .filter((key) => key.startsWith(prefix) && (after === undefined || key > after))
        .sort()
        .flatMap((key) => {
          const entry = live(key);
          return entry === undefined ? [] : [entryOf(key, entry)];
        })
        .slice(0, limit);
    },
    async close() {
      held.clear();
    },
  };
}

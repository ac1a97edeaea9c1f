/**
 * The store's operations on its table, as data: they run in this thread or cross to another. Time comes with each; an entry past its
 * time to live is gone for good once anybody has looked: a clock set back does not bring it back.
 */
import { groupCommit } from './group-commit.ts';
import type { EntryTable, StoredEntry } from './table.ts';

/** `text` is the value's JSON; times are host epoch milliseconds. */
export type Operation = { readonly nowMs: number } & (
  | { readonly kind: 'get'; readonly key: string }
  | { readonly kind: 'create'; readonly key: string; readonly text: string; readonly ttlMs: number | null }
  | {
      readonly kind: 'swap';
      readonly key: string;
      readonly version: string;
      readonly text: string;
      readonly ttlMs: number | null;
    }
  | { readonly kind: 'remove'; readonly key: string; readonly version: string }
  | { readonly kind: 'list'; readonly prefix: string; readonly after: string; readonly limit: number }
  | { readonly kind: 'purge'; readonly limit: number }
);

export interface Results {
  readonly get: StoredEntry | null;
  /** The new entry's version; or the entry that was there first. */
  readonly create: { readonly version: string } | { readonly there: StoredEntry };
  /** The new version; null: it was no longer the one given. */
  readonly swap: string | null;
  readonly remove: boolean;
  readonly list: readonly StoredEntry[];
  /** How many were removed. */
  readonly purge: number;
}
export type ResultOf<O extends Operation> = Results[O['kind']];

export interface Engine {
  /** In order of issue; resolves when it is durable. Operations of one turn of the event loop share a transaction. */
  run<O extends Operation>(operation: O): Promise<ResultOf<O>>;
  close(): Promise<void>;
}

export function createEngine(table: EntryTable): Engine {
  const commits = groupCommit((work) => table.exclusively(work));
  return {
    run: (operation) => commits.add(WRITES[operation.kind], () => apply(table, operation) as never),
    async close() {
      await commits.drained();
      table.close();
    },
  };
}

const WRITES: Readonly<Record<Operation['kind'], boolean>> = {
  get: false,
  create: true,
  swap: true,
  remove: true,
  list: false,
  purge: true,
};

function apply(table: EntryTable, operation: Operation): Results[keyof Results] {
  const { nowMs } = operation;
  const expired = ({ expiresAt }: StoredEntry): boolean => expiresAt !== null && expiresAt <= nowMs;
  const findLive = (key: string): StoredEntry | null => {
    const entry = table.find(key);
    if (entry === null || !expired(entry)) return entry;
    table.remove(key, entry.version);
    return null;
  };
  const put = (key: string, text: string, ttlMs: number | null): string =>
    table.put(key, text, ttlMs === null ? null : nowMs + ttlMs).version;

  switch (operation.kind) {
    case 'get':
      return findLive(operation.key);
    case 'create': {
      const there = findLive(operation.key);
      return there === null ? { version: put(operation.key, operation.text, operation.ttlMs) } : { there };
    }
    case 'swap': {
      const isThat = findLive(operation.key)?.version === operation.version;
      return isThat ? put(operation.key, operation.text, operation.ttlMs) : null;
    }
    case 'remove':
      return findLive(operation.key) !== null && table.remove(operation.key, operation.version);
    case 'list': {
      const gone: StoredEntry[] = [];
      const keep = (entry: StoredEntry): boolean => {
        if (!expired(entry)) return true;
        gone.push(entry);
        return false;
      };
      const live = table.list(operation.prefix, operation.after, keep, operation.limit);
      if (gone.length > 0) table.exclusively(() => gone.map(({ key, version }) => table.remove(key, version)));
      return live;
    }
    case 'purge':
      return table.purge(nowMs, operation.limit);
  }
}

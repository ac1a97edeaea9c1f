/**
 * The objects of the cluster with their versions. They are not written one by one: `sync` is given all of them as they are now and finds
 * what was added, modified or deleted, each change under a number of its own, as etcd counts. Watches hear of them in that order.
 */
import type { ClusterObject } from './objects/object.ts';

export interface StoreEvent {
  readonly version: number;
  /** Null: it was not there before. */
  readonly before: ClusterObject | null;
  /** As it was last, with the version of its end, when it is `gone`. */
  readonly object: ClusterObject;
  readonly gone: boolean;
}

export interface Store {
  sync(objects: readonly ClusterObject[]): void;
  /** By kind; sorted by namespace and name, as etcd keeps them. */
  all(kind: string): readonly ClusterObject[];
  version(): number;
  /** Changes after that version; null: it is too old to tell. */
  since(version: number): readonly StoreEvent[] | null;
  /** Called with each change; the answer ends that. */
  subscribe(listener: (event: StoreEvent) => void): () => void;
}

/** Changes that are remembered for watches: some ten minutes of renewed leases. */
const KEPT_EVENTS = 500;
/** Where a cluster of some age stands. */
const FIRST_VERSION = 48_210_000;

export function createStore(): Store {
  let current: ReadonlyMap<string, { readonly object: ClusterObject; readonly text: string }> = new Map();
  let version = FIRST_VERSION;
  let events: StoreEvent[] = [];
  const listeners = new Set<(event: StoreEvent) => void>();

  function emit(event: StoreEvent): void {
    events.push(event);
    if (events.length >= 2 * KEPT_EVENTS) events = events.slice(-KEPT_EVENTS);
    for (const listener of listeners) listener(event);
  }
  const versioned = (object: ClusterObject): ClusterObject => {
    version += 1;
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
  };

  return {
    sync(objects) {
      const next = new Map<string, { readonly object: ClusterObject; readonly text: string }>();
      const changes: StoreEvent[] = [];
      for (const given of objects) {
        const text = JSON.stringify(given);
        const before = current.get(keyOf(given)) ?? null;
        if (before?.text === text) {
          next.set(keyOf(given), before);
          continue;
        }
        const object = versioned(given);
        next.set(keyOf(given), { object, text });
        changes.push({ version, before: before?.object ?? null, object, gone: false });
      }
      for (const [key, { object }] of current)
        if (!next.has(key)) {
          const gone = versioned(object);
          changes.push({ version, before: object, object: gone, gone: true });
        }
      current = next;
      for (const change of changes) emit(change);
    },
    all: (kind) =>
      [...current]
        .filter(([, { object }]) => object.kind === kind)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, { object }]) => object),
    version: () => version,
    since(from) {
      const oldest = events[0]?.version ?? version + 1;
      return from < oldest - 1 ? null : events.filter((event) => event.version > from);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

const keyOf = ({ kind, metadata: { namespace = '', name } }: ClusterObject): string => `${kind}/${namespace}/${name}`;

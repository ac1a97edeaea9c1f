import type { Book } from './book.ts';
import { endOf, type Instance } from './instance.ts';
import type { MarketStore } from './store.ts';

/** Every instance that is remembered, by id and by label, with its hold on capacity; in step with the store. */
export interface Register {
  /** Durable before it returns, as the store is. */
  add(instance: Instance, nowMs: number): void;
  /** Remembers an instance of that id anew; one that has ended holds no capacity any more. */
  replace(instance: Instance): void;
  get(instanceId: string): Instance | undefined;
  /** Oldest first. */
  labelled(label: string): readonly Instance[];
  all(): readonly Instance[];
}

export function createRegister(store: MarketStore, book: Book, keep: number): Register {
  const byId = new Map<string, Instance>();
  const byLabel = new Map<string, readonly Instance[]>();
  // Pruned in strides, so that the scan is paid once in this many deployments.
  const stride = Math.max(1, Math.floor(keep / 20));

  const remember = (instance: Instance): void => {
    byId.set(instance.instance_id, instance);
    byLabel.set(instance.label, [...(byLabel.get(instance.label) ?? []), instance]);
    book.hold(instance.instance_id, instance.offer_id, instance.gpu_hours, endOf(instance));
  };

  const forget = (instance: Instance): void => {
    byId.delete(instance.instance_id);
    const left = (byLabel.get(instance.label) ?? []).filter((other) => other.instance_id !== instance.instance_id);
    if (left.length === 0) byLabel.delete(instance.label);
    else byLabel.set(instance.label, left);
  };

  const prune = (nowMs: number): void => {
    if (byId.size < keep + stride) return;
    const old: Instance[] = [];
    for (const instance of byId.values()) {
      if (old.length === stride) break;
      if (endOf(instance) <= nowMs) old.push(instance);
    }
    store.remove(old.map((instance) => instance.instance_id));
    for (const instance of old) forget(instance);
  };

  for (const instance of store.load()) remember(instance);
  return {
    add(instance, nowMs) {
      store.put(instance);
      remember(instance);
      prune(nowMs);
    },
    replace(instance) {
      store.put(instance);
      byId.set(instance.instance_id, instance);
      const siblings = byLabel.get(instance.label) ?? [];
      byLabel.set(
        instance.label,
        siblings.map((other) => (other.instance_id === instance.instance_id ? instance : other)),
      );
      if (instance.cancelled_ms !== null) book.release(instance.instance_id);
    },
    get: (id) => byId.get(id),
    labelled: (label) => byLabel.get(label) ?? [],
    all: () => [...byId.values()],
  };
}

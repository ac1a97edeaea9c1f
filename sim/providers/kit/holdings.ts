import { createHash } from 'node:crypto';
import { z } from 'zod';
import { endOf, type Instance } from '../../market/instance.ts';
import type { Market } from '../../market/market.ts';

/** What a provider of the market holds for its customer: instances under ids of its own, until they are given back. */
export interface Holdings<N> {
  /** Buys from the market. `note` is kept with the instance. @throws RejectedError offer_gone */
  order(order: Omit<Parameters<Market['deploy']>[0], 'note'> & { readonly note: N }): Held<N>;
  /** Null: no such instance, or given back. */
  get(nativeId: string): Held<N> | null;
  /** Not given back, oldest first. */
  all(): readonly Held<N>[];
  /** False: there is none. */
  release(nativeId: string, nowMs: number): boolean;
  /** Every instance that the market remembers, given back or not. */
  ever(): readonly Held<N>[];
}

export interface Held<N> {
  readonly nativeId: string;
  readonly instance: Instance;
  readonly note: N;
}

/** The hash of a key as a whole number below 2^52: ids that last over a restart, and do not meet. */
export const numberOf = (...key: readonly (string | number)[]): number =>
  Number.parseInt(createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, 13), 16);

/** Text that must be JSON. */
export const jsonText = z.string().transform((text, context) => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    context.addIssue({ code: 'custom', message: 'expected JSON' });
    return z.NEVER;
  }
});

/** `nativeIdOf` must depend on the market's id alone: whoever starts over the same market knows its instances again. */
export function createHoldings<N>(
  market: Market,
  provider: string,
  nativeIdOf: (instance: Instance) => string,
  note: z.ZodType<N>,
): Holdings<N> {
  const noteOf = jsonText.pipe(note);
  /** What was read of a note, until it is replaced: lists are asked for all the time. */
  const open = new Map<string, { readonly id: string; readonly text: string; readonly note: N }>();

  function remembered(instance: Instance): Held<N> | null {
    const parsed = noteOf.safeParse(instance.note);
    if (!parsed.success) return null;
    const nativeId = nativeIdOf(instance);
    if (instance.released_ms === null)
      open.set(nativeId, { id: instance.instance_id, text: instance.note, note: parsed.data });
    return { nativeId, instance, note: parsed.data };
  }
  for (const instance of market.ofProvider(provider)) remembered(instance);

  function get(nativeId: string): Held<N> | null {
    const known = open.get(nativeId);
    const instance = known === undefined ? null : market.instance(known.id);
    if (known === undefined || instance === null || instance.released_ms !== null) {
      open.delete(nativeId);
      return null;
    }
    return instance.note === known.text ? { nativeId, instance, note: known.note } : remembered(instance);
  }

  return {
    order(order) {
      const { instance_id } = market.deploy({ ...order, note: JSON.stringify(order.note) });
      const instance = market.instance(instance_id);
      const held = instance === null ? null : remembered(instance);
      if (held === null)
        throw new Error(`${provider}: expected the market to know ${instance_id}, which it has just made`);
      return held;
    },
    get,
    all: () => [...open.keys()].flatMap((id) => get(id) ?? []),
    release(nativeId, nowMs) {
      const held = get(nativeId);
      open.delete(nativeId);
      return held !== null && market.release(held.instance.instance_id, nowMs);
    },
    ever: () => market.ofProvider(provider).flatMap((instance) => remembered(instance) ?? []),
  };
}

/** World epoch milliseconds from which on its GPUs are billed, and until which; null: never ready. */
export function gpuTime(
  { fate, ...instance }: Instance,
  nowMs: number,
): { readonly from: number; readonly to: number } | null {
  const to = Math.min(nowMs, endOf({ ...instance, fate }));
  return fate.ready_ms === null || fate.ready_ms >= to ? null : { from: fate.ready_ms, to };
}

import fc from 'fast-check';
import { expect } from 'vitest';
import type { State, StateEntry } from '#shared/ports/state.ts';
import type { FakeClock } from '#test/support/clock.ts';

/** A version as an operation names it: the live one of the key, or the nth that was ever given out. */
type Reference = 'live' | number;
type Operation =
  | { readonly do: 'get'; readonly key: string }
  | { readonly do: 'create'; readonly key: string; readonly value: unknown; readonly ttlMs: number | null }
  | {
      readonly do: 'swap';
      readonly key: string;
      readonly version: Reference;
      readonly value: unknown;
      readonly ttlMs: number | null;
    }
  | { readonly do: 'remove'; readonly key: string; readonly version: Reference }
  | { readonly do: 'list'; readonly prefix: string; readonly limit: number; readonly after: string }
  | { readonly do: 'advance'; readonly ms: number };

const key = fc.constantFrom('a', 'a/1', 'a/2', 'a%', 'A', 'é');
const ttlMs = fc.option(fc.integer({ min: 1, max: 50 }), { nil: null });
const version = fc.oneof(
  { arbitrary: fc.constant<Reference>('live'), weight: 3 },
  { arbitrary: fc.nat(10).map((n): Reference => n), weight: 1 },
);
const value = fc.jsonValue({ maxDepth: 1 }).map((json) => JSON.parse(JSON.stringify(json)) as unknown);

const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ do: fc.constant('get' as const), key }),
  fc.record({ do: fc.constant('create' as const), key, value, ttlMs }),
  fc.record({ do: fc.constant('swap' as const), key, version, value, ttlMs }),
  fc.record({ do: fc.constant('remove' as const), key, version }),
  fc.record({
    do: fc.constant('list' as const),
    prefix: fc.constantFrom('', 'a', 'a/', 'zz'),
    limit: fc.integer({ min: 1, max: 7 }),
    after: fc.oneof(fc.constant(''), key),
  }),
  // Forwards only: what a clock that goes back shows depends on who looked when, and has tests of its own.
  fc.record({ do: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 40 }) }),
);

interface ModelEntry {
  readonly entry: StateEntry;
  readonly expiresAt: number;
}

async function run(state: State, clock: FakeClock, operations: readonly Operation[]): Promise<void> {
  const model = new Map<string, ModelEntry>();
  const given: string[] = [];

  const live = (at: string): StateEntry | null => {
    const found = model.get(at);
    return found === undefined || found.expiresAt <= clock.now() ? null : found.entry;
  };
  const resolve = (at: string, wanted: Reference): string =>
    (wanted === 'live' ? live(at)?.version : given[wanted]) ?? 'none';
  const remember = (entry: StateEntry, ttl: number | null): void => {
    expect(given).not.toContain(entry.version);
    given.push(entry.version);
    model.set(entry.key, { entry, expiresAt: ttl === null ? Number.POSITIVE_INFINITY : clock.now() + ttl });
  };
  const options = (ttl: number | null) => (ttl === null ? {} : { ttlMs: ttl });

  for (const step of operations) {
    switch (step.do) {
      case 'get':
        expect(await state.get(step.key)).toEqual(live(step.key));
        break;
      case 'create': {
        const before = live(step.key);
        const got = await state.create(step.key, step.value, options(step.ttlMs));
        expect(got.created).toBe(before === null);
        expect(got.entry).toEqual(before ?? { key: step.key, value: step.value, version: got.entry.version });
        if (got.created) remember(got.entry, step.ttlMs);
        break;
      }
      case 'swap': {
        const before = live(step.key);
        const wanted = resolve(step.key, step.version);
        const got = await state.swap(step.key, wanted, step.value, options(step.ttlMs));
        if (before?.version !== wanted || got === null) {
          expect(got).toBeNull();
          expect(before?.version).not.toBe(wanted);
          break;
        }
        expect(got).toEqual({ key: step.key, value: step.value, version: got.version });
        remember(got, step.ttlMs);
        break;
      }
      case 'remove': {
        const wanted = resolve(step.key, step.version);
        const held = live(step.key)?.version === wanted;
        expect(await state.remove(step.key, wanted)).toBe(held);
        if (held) model.delete(step.key);
        break;
      }
      case 'list': {
        const expected = [...model.keys()]
          .map(live)
          .filter((entry) => entry !== null)
          .filter((entry) => entry.key.startsWith(step.prefix) && bytesOrder(entry.key, step.after) > 0)
          .sort((x, y) => bytesOrder(x.key, y.key))
          .slice(0, step.limit);
        expect(await state.list(step.prefix, { limit: step.limit, after: step.after })).toEqual(expected);
        break;
      }
      case 'advance':
        await clock.advance(step.ms);
        break;
      default:
        step satisfies never;
    }
  }
}

const bytesOrder = (x: string, y: string): number => Buffer.compare(Buffer.from(x), Buffer.from(y));

/** The store as a map from key to entry and expiry date, and random walks over both. */
export const stateModel = { operations: fc.array(operation, { minLength: 1, maxLength: 30 }), run };

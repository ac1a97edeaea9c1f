import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AuroraError } from '#shared/errors.ts';
import type { State } from '#shared/ports/state.ts';
import { testCases } from '#test/support/cases.ts';
import { type FakeClock, fakeClock } from '#test/support/clock.ts';
import { stateModel } from './state-model.ts';

/** One empty store on the clock that `make` was given. `open` gives a new client each time; `dispose` removes the store. */
export interface StateFixture {
  open(): Promise<State>;
  dispose(): Promise<void>;
}

async function codeOf(operation: Promise<unknown>): Promise<string> {
  const outcome = await operation.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ('error' in outcome && outcome.error instanceof AuroraError) return outcome.error.code;
  throw new Error(`expected a coded error, got ${JSON.stringify(outcome)}`, { cause: outcome });
}

/** What every state store must do; each adapter's test is one call of this. */
export function stateContract(name: string, make: (clock: FakeClock) => Promise<StateFixture>): void {
  describe(`state contract: ${name}`, () => {
    let clock: FakeClock;
    let fixture: StateFixture;
    let state: State;
    beforeEach(async () => {
      clock = fakeClock();
      fixture = await make(clock);
      state = await fixture.open();
    });
    afterEach(async () => {
      await state.close();
      await fixture.dispose();
      expect(clock.pending()).toBe(0);
    });

    test('creates once; the second answers the entry that was first', async () => {
      const first = await state.create('intent/1', { status: 'pending' });
      expect(first).toEqual({
        created: true,
        entry: { key: 'intent/1', value: { status: 'pending' }, version: first.entry.version },
      });
      expect(await state.create('intent/1', { status: 'other' })).toEqual({ created: false, entry: first.entry });
      expect(await state.get('intent/1')).toEqual(first.entry);
    });

    test('an absent key reads as null, swaps to null, and is not removed', async () => {
      expect(await state.get('none')).toBeNull();
      expect(await state.swap('none', '1', 'x')).toBeNull();
      expect(await state.remove('none', '1')).toBe(false);
      expect(await state.get('none')).toBeNull();
    });

    test('swaps on the version that was read, and on no other', async () => {
      const { entry: first } = await state.create('k', 1);
      const second = await state.swap('k', first.version, 2);
      expect(second).toMatchObject({ key: 'k', value: 2 });
      expect(second?.version).not.toBe(first.version);
      expect(await state.swap('k', first.version, 3)).toBeNull();
      expect(await state.swap('k', 'no such version', 3)).toBeNull();
      expect(await state.get('k')).toEqual(second);
    });

    test('removes on the version that was read, and on no other', async () => {
      const { entry: first } = await state.create('k', 1);
      const second = await state.swap('k', first.version, 2);
      expect(await state.remove('k', first.version)).toBe(false);
      expect(await state.remove('k', 'no such version')).toBe(false);
      expect(await state.remove('k', second?.version ?? '')).toBe(true);
      expect(await state.get('k')).toBeNull();
    });

    test('never gives a version twice, over removal and re-creation', async () => {
      const versions = new Set<string>();
      for (let i = 0; i < 4; i += 1) {
        const { entry } = await state.create('k', 'same');
        const swapped = await state.swap('k', entry.version, 'same');
        versions.add(entry.version).add(swapped?.version ?? '');
        await state.remove('k', swapped?.version ?? '');
      }
      expect(versions.size).toBe(8);
      expect(versions).not.toContain('');
    });

    test('a version does not survive its entry', async () => {
      const { entry: old } = await state.create('k', 'same');
      await state.remove('k', old.version);
      await state.create('k', 'same');
      expect(await state.swap('k', old.version, 'x')).toBeNull();
      expect(await state.remove('k', old.version)).toBe(false);
    });

    test('what is asked in one turn is done in order, each on its own merits', async () => {
      const answers = await Promise.all([
        state.get('k'),
        state.create('k', 'first'),
        state.create('k', 'second'),
        state.swap('k', 'no such version', 'third'),
        state.get('k'),
        state.create('other', 1),
        state.list(''),
      ]);
      const [before, created, refused, swapped, after, other, listed] = answers;
      expect(before).toBeNull();
      expect(created.created).toBe(true);
      expect(refused).toEqual({ created: false, entry: created.entry });
      expect(swapped).toBeNull();
      expect(after).toEqual(created.entry);
      expect(listed).toEqual([created.entry, other.entry]);
    });

    test('of many creators at once, one wins', async () => {
      const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => state.create('lease', i)));
      expect(answers.filter(({ created }) => created)).toHaveLength(1);
      expect(new Set(answers.map(({ entry }) => entry.version)).size).toBe(1);
    });

    test('increments by compare-and-swap from ten callers add up', async () => {
      await state.create('counter', 0);
      await Promise.all(
        Array.from({ length: 10 }, async () => {
          for (let done = 0; done < 3; ) {
            const entry = await state.get('counter');
            if (entry === null) throw new Error('the counter is gone');
            if ((await state.swap('counter', entry.version, Number(entry.value) + 1)) !== null) done += 1;
          }
        }),
      );
      expect((await state.get('counter'))?.value).toBe(30);
    });

    test.each([
      ['undefined', undefined],
      ['an undefined member', { a: { b: [1, undefined] } }],
      ['an undefined property', { a: undefined }],
      ['NaN', Number.NaN],
      ['infinity', [Number.POSITIVE_INFINITY]],
      ['a bigint', { n: 1n }],
      ['a function', () => 1],
      ['a symbol', Symbol('x')],
      ['a date', new Date(0)],
      ['a map', new Map([['a', 1]])],
      ['bytes', new Uint8Array(2)],
      ['a hole', new Array(2)],
    ])('refuses %s, which JSON would change', async (_, value) => {
      expect(await codeOf(state.create('k', value))).toBe('state_entry_invalid');
      const { entry } = await state.create('k', 'kept');
      expect(await codeOf(state.swap('k', entry.version, value))).toBe('state_entry_invalid');
      expect(await state.get('k')).toEqual(entry);
    });

    test('refuses a cycle', async () => {
      const cycle: Record<string, unknown> = {};
      cycle['self'] = cycle;
      expect(await codeOf(state.create('k', cycle))).toBe('state_entry_invalid');
    });

    test.each([[''], ['x'.repeat(1025)], ['ü'.repeat(513)], ['lone \udfff'], ['nul\0']])(
      'refuses the key %j',
      async (key) => {
        expect(await codeOf(state.get(key))).toBe('state_entry_invalid');
        expect(await codeOf(state.create(key, 1))).toBe('state_entry_invalid');
        expect(await codeOf(state.swap(key, '1', 1))).toBe('state_entry_invalid');
        expect(await codeOf(state.remove(key, '1'))).toBe('state_entry_invalid');
      },
    );

    test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses a time to live of %d', async (ttlMs) => {
      expect(await codeOf(state.create('k', 1, { ttlMs }))).toBe('state_entry_invalid');
      expect(await state.get('k')).toBeNull();
    });

    test('keeps a value as it was at the call', async () => {
      const value = { list: [1] };
      const creating = state.create('k', value);
      value.list.push(2);
      await creating;
      expect((await state.get('k'))?.value).toEqual({ list: [1] });
    });

    test('any JSON value is read back as written', async () => {
      const key = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((text) => !text.includes('\0'));
      const entries = fc.uniqueArray(fc.tuple(key, fc.jsonValue()), {
        minLength: 20,
        maxLength: 20,
        selector: ([of]) => of,
      });
      await fc.assert(
        fc.asyncProperty(entries, async (wanted) => {
          const created = await Promise.all(wanted.map(([of, value]) => state.create(of, value)));
          for (const [i, [of, value]] of wanted.entries()) {
            const expected = JSON.parse(JSON.stringify(value)); // -0 is 0 in JSON
            expect(created[i]).toStrictEqual({
              created: true,
              entry: { key: of, value: expected, version: created[i]?.entry.version },
            });
            expect(await state.get(of)).toStrictEqual(created[i]?.entry);
          }
          const removed = await Promise.all(created.map(({ entry }) => state.remove(entry.key, entry.version)));
          expect(removed.every(Boolean)).toBe(true);
        }),
        // Twenty values each.
        { numRuns: Math.ceil(testCases / 100) },
      );
    });

    describe('list', () => {
      const keys = ['a', 'a%b', 'a/1', 'a/2', 'a_b', 'b', 'ab', 'A', 'a\u{10ffff}', 'a\uffee', 'é'];
      const order = (x: string, y: string): number => Buffer.compare(Buffer.from(x), Buffer.from(y));
      const sorted = [...keys].sort(order);
      const listed = async (...args: Parameters<State['list']>): Promise<string[]> =>
        (await state.list(...args)).map((entry) => entry.key);
      beforeEach(async () => {
        await Promise.all(keys.map((key) => state.create(key, { key })));
      });

      test.each(['', 'a', 'a%', 'a_', 'a/', 'é', 'a\u{10ffff}', 'c', 'A'])(
        'takes the prefix %j literally, in order of bytes',
        async (prefix) => {
          expect(await listed(prefix)).toEqual(sorted.filter((key) => key.startsWith(prefix)));
        },
      );

      test('pages through everything once', async () => {
        const pages: string[] = [];
        for (let after = ''; ; ) {
          const page = await listed('a', { limit: 3, after });
          expect(page.length).toBeLessThanOrEqual(3);
          if (page.length === 0) break;
          pages.push(...page);
          after = page.at(-1) ?? '';
        }
        expect(pages).toEqual(sorted.filter((key) => key.startsWith('a')));
      });

      test('answers whole entries', async () => {
        expect(await state.list('b')).toEqual([await state.get('b')]);
      });
    });

    describe('time to live', () => {
      test('an entry is gone from its time on, for every operation', async () => {
        const { entry } = await state.create('lease', 'mine', { ttlMs: 1000 });
        await clock.advance(999);
        expect(await state.get('lease')).toEqual(entry);
        expect(await state.list('')).toEqual([entry]);
        await clock.advance(1);
        expect(await state.list('')).toEqual([]);
        expect(await state.swap('lease', entry.version, 'late')).toBeNull();
        expect(await state.remove('lease', entry.version)).toBe(false);
        expect(await state.get('lease')).toBeNull();
        const again = await state.create('lease', 'yours');
        expect(again).toMatchObject({ created: true, entry: { value: 'yours' } });
        expect(again.entry.version).not.toBe(entry.version);
      });

      test('a swap states the time to live anew; without one the entry is kept', async () => {
        const { entry } = await state.create('lease', 1, { ttlMs: 1000 });
        await clock.advance(900);
        const renewed = await state.swap('lease', entry.version, 2, { ttlMs: 1000 });
        await clock.advance(900);
        expect((await state.get('lease'))?.value).toBe(2);
        await state.swap('lease', renewed?.version ?? '', 3);
        await clock.advance(1e6);
        expect((await state.get('lease'))?.value).toBe(3);
      });

      test('a list fills its page past expired entries', async () => {
        for (const key of ['a', 'b', 'c', 'd']) await state.create(key, key, key < 'c' ? { ttlMs: 10 } : {});
        await clock.advance(10);
        expect((await state.list('', { limit: 2 })).map(({ key }) => key)).toEqual(['c', 'd']);
      });

      test.each(['get', 'list'] as const)('a clock set back does not bring back what %s saw expire', async (look) => {
        await state.create('lease', 'mine', { ttlMs: 1000 });
        await clock.advance(1000);
        expect(await (look === 'get' ? state.get('lease') : state.list('lease'))).toEqual(look === 'get' ? null : []);
        await clock.advance(-1000);
        expect(await state.get('lease')).toBeNull();
      });

      test('a clock set back prolongs a live entry by as much', async () => {
        await state.create('lease', 'mine', { ttlMs: 1000 });
        await clock.advance(-5000);
        await clock.advance(5999);
        expect((await state.get('lease'))?.value).toBe('mine');
        await clock.advance(1);
        expect(await state.get('lease')).toBeNull();
      });
    });

    test('two clients see one store, and it outlives them', async () => {
      const other = await fixture.open();
      const { entry } = await state.create('k', 1);
      expect(await other.get('k')).toEqual(entry);
      const swapped = await other.swap('k', entry.version, 2);
      expect(await state.swap('k', entry.version, 3)).toBeNull();
      await other.close();
      const reopened = await fixture.open();
      expect(await reopened.get('k')).toEqual(swapped);
      const next = await reopened.create('l', 1);
      expect([entry.version, swapped?.version]).not.toContain(next.entry.version);
      await reopened.close();
    });

    test('close answers what was asked before it; after it every operation fails with a code', async () => {
      const client = await fixture.open();
      const pending = client.create('last', 'words');
      await client.close();
      await client.close();
      expect((await pending).created).toBe(true);
      expect((await state.get('last'))?.value).toBe('words');
      expect(await codeOf(client.get('last'))).toBe('state_unavailable');
      expect(await codeOf(client.create('more', 1))).toBe('state_unavailable');
    });

    test('behaves as a map with versions and expiry dates, whatever is asked', async () => {
      await fc.assert(
        fc.asyncProperty(stateModel.operations, async (operations) => {
          const time = fakeClock();
          const one = await make(time);
          const client = await one.open();
          try {
            await stateModel.run(client, time, operations);
          } finally {
            await client.close();
            await one.dispose();
          }
        }),
        // A case is a walk of up to 30 operations on a store of its own, about 5 ms; the bar counts operations.
        { numRuns: Math.ceil(testCases / 40) },
      );
    });
  });
}

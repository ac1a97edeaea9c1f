import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AuroraError } from '#shared/errors.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import { createPace, type Pace, type PaceClocks, type TurnStore } from '#shared/providers/pace.ts';
import { type FakeClock, fakeClock } from '#test/support/clock.ts';
import { errorOf } from './providers-world.ts';

const SPEED = 10;
const SPACING_MS = 4_500;
/** Host milliseconds between two turns: the spacing, and the margin for packets that overtake each other. */
const APART_MS = SPACING_MS / SPEED + 5;

interface Holders {
  readonly clock: FakeClock;
  readonly worldClock: WorldClock;
  /** Two that share one key. */
  readonly pair: readonly [Pace, Pace];
}

/** What every pace must do; `make` gives the store of turns that all holders of a key share. */
export function paceContract(name: string, make: (clocks: PaceClocks) => TurnStore): void {
  function holders(): Holders {
    const clock = fakeClock();
    const worldClock = { speed: SPEED, now: () => clock.now() * SPEED };
    const clocks = { hostClock: clock, worldClock };
    const store = make(clocks);
    return { clock, worldClock, pair: [createPace('any', store, clocks), createPace('any', store, clocks)] };
  }
  /** Host instants at which the turns came. */
  const turnsOf = ({ clock, pair }: Holders, count: number, spacingMs = SPACING_MS) => {
    const startMs = clock.now();
    const at: number[] = [];
    const all = Array.from({ length: count }, async (_, n) => {
      const pace = pair[n % 2 === 0 ? 0 : 1];
      await pace.reserve('create', spacingMs, { deadline: startMs + 60_000 });
      at.push(clock.now() - startMs);
    });
    return { at, all: Promise.all(all) };
  };

  describe(`pace: ${name}`, () => {
    test('turns of all holders are a spacing of world time apart, the first at once', async () => {
      const house = holders();
      const { at, all } = turnsOf(house, 4);
      await house.clock.advance(10_000);
      await all;
      expect(at.sort((a, b) => a - b)).toEqual([0, APART_MS, 2 * APART_MS, 3 * APART_MS]);
      expect(house.clock.pending()).toBe(0);
    });

    test('endpoints do not wait for each other', async () => {
      const { clock, pair } = holders();
      const deadline = clock.now() + 1;
      await pair[0].reserve('create', SPACING_MS, { deadline });
      await pair[1].reserve('list', SPACING_MS, { deadline });
      expect(await pair[0].waitMs('create')).toBe(APART_MS);
      expect(await pair[0].waitMs('never called')).toBe(0);
      await clock.advance(100);
      expect(await pair[1].waitMs('create')).toBe(APART_MS - 100);
      await clock.advance(APART_MS);
      expect(await pair[1].waitMs('create')).toBe(0);
    });

    test('a turn after the deadline is not waited for, and not taken', async () => {
      const { clock, pair } = holders();
      await pair[0].reserve('create', SPACING_MS, { deadline: clock.now() + 1 });
      const error = await errorOf(pair[1].reserve('create', SPACING_MS, { deadline: clock.now() + APART_MS }));
      expect(error).toMatchObject({ code: 'provider_rate_limited', retryable: true });
      expect(error.message).toBe(`any create: the next call may go out in ${APART_MS} ms, ${APART_MS} ms are left`);
      expect(await pair[0].waitMs('create')).toBe(APART_MS);
    });

    test('without a spacing nobody waits', async () => {
      const house = holders();
      const { at, all } = turnsOf(house, 5, 0);
      await all;
      expect(at).toEqual([0, 0, 0, 0, 0]);
      await house.pair[0].penalise('create', 1_000);
      const later = turnsOf(house, 2, 0);
      await house.clock.advance(1_000);
      await later.all;
      expect(later.at).toEqual([100, 100]);
    });

    test('a penalty holds for everyone, those that wait already included', async () => {
      const house = holders();
      const { at, all } = turnsOf(house, 3);
      await house.clock.advance(100);
      await house.pair[1].penalise('create', 20_000);
      expect(await house.pair[0].waitMs('create')).toBe(2_000);
      await house.clock.advance(20_000);
      await all;
      const [first, second, third] = at.sort((a, b) => a - b);
      expect(first).toBe(0);
      expect(second).toBeGreaterThanOrEqual(2_100);
      expect((third ?? 0) - (second ?? 0)).toBeGreaterThanOrEqual(APART_MS);
    });

    test('a shorter penalty does not lift a longer one', async () => {
      const { pair } = holders();
      await pair[0].penalise('create', 20_000);
      await pair[1].penalise('create', 5_000);
      expect(await pair[0].waitMs('create')).toBe(2_000);
    });

    test('a penalty past the deadline ends the wait with an error', async () => {
      const house = holders();
      const [one, other] = house.pair;
      const deadline = house.clock.now() + 1_000;
      await one.reserve('create', SPACING_MS, { deadline });
      const waits = errorOf(other.reserve('create', SPACING_MS, { deadline }));
      await house.clock.advance(10);
      await one.penalise('create', 60_000);
      await house.clock.advance(1_000);
      expect((await waits).code).toBe('provider_rate_limited');
    });

    test('who gives up while waiting leaves no timer behind', async () => {
      const { clock, pair } = holders();
      const deadline = clock.now() + 60_000;
      const left = new AbortController();
      const reason = new Error('left');
      await pair[0].reserve('create', SPACING_MS, { deadline });
      const waits = pair[0].reserve('create', SPACING_MS, { deadline, signal: left.signal });
      const told = expect(waits).rejects.toBe(reason);
      await clock.advance(10);
      left.abort(reason);
      await told;
      expect(clock.pending()).toBe(0);
      await expect(pair[1].reserve('create', SPACING_MS, { deadline, signal: left.signal })).rejects.toBe(reason);
    });

    test('whatever is asked for and whenever, no two turns are nearer than their spacing', async () => {
      const asking = fc.record({ afterMs: fc.nat(800), who: fc.constantFrom(0, 1), patienceMs: fc.nat(5_000) });
      await fc.assert(
        fc.asyncProperty(fc.array(asking, { maxLength: 12 }), async (askings) => {
          const { clock, pair } = holders();
          const at: number[] = [];
          const all: Promise<void>[] = [];
          let [late, odd] = [false, false];
          for (const { afterMs, who, patienceMs } of askings) {
            await clock.advance(afterMs);
            const deadline = clock.now() + patienceMs;
            const turn = (pair[who] ?? pair[0]).reserve('create', SPACING_MS, { deadline });
            all.push(
              turn.then(
                () => {
                  late ||= clock.now() > deadline;
                  at.push(clock.now());
                },
                (error: unknown) => {
                  odd ||= !(error instanceof AuroraError && error.code === 'provider_rate_limited');
                },
              ),
            );
          }
          await clock.advance(60_000);
          await Promise.all(all);
          expect({ late, odd, left: clock.pending() }).toEqual({ late: false, odd: false, left: 0 });
          for (const [n, ms] of at.slice(1).entries()) expect(ms - (at[n] ?? 0)).toBeGreaterThanOrEqual(APART_MS);
        }),
        { numRuns: 50 },
      );
    });
  });
}

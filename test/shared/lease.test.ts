import { describe, expect, it } from 'vitest';
import { TransientError } from '#shared/errors.ts';
import type { State } from '#shared/ports/state.ts';
import { type LeaseOptions, withLease } from '#shared/registry/lease.ts';
import { type FakeClock, fakeClock } from '#test/support/clock.ts';
import { memoryState } from '#test/support/memory-state.ts';

const KEY = 'lease/train/v1';
const TTL_MS = 60_000;
const held = expect.objectContaining({ code: 'lease_held', retryable: true });
const never = (): Promise<never> => Promise.reject(new Error('must not run'));

const asks = (clock: FakeClock, owner: string, patienceMs = 0): LeaseOptions => ({
  ttlMs: TTL_MS,
  patienceMs,
  owner,
  hostClock: clock,
});

/** Work that ends when told. */
function work(): { readonly run: () => Promise<string>; end(): void; readonly begun: () => boolean } {
  const gate = Promise.withResolvers<string>();
  let begun = false;
  return {
    run: () => {
      begun = true;
      return gate.promise;
    },
    end: () => gate.resolve('done'),
    begun: () => begun,
  };
}

describe('a lease', () => {
  it('excludes others while it runs, and is free afterwards', async () => {
    const clock = fakeClock();
    const state = memoryState(clock);
    const answer = await withLease(state, KEY, asks(clock, 'a'), async () => {
      await expect(withLease(state, KEY, asks(clock, 'b'), never)).rejects.toThrow(held);
      await expect(withLease(state, KEY, asks(clock, 'b'), never)).rejects.toThrow(`lease ${KEY} is held by a`);
      return 'done';
    });
    expect(answer).toBe('done');
    expect(await withLease(state, KEY, asks(clock, 'b'), async () => 'mine now')).toBe('mine now');
    expect(await state.get(KEY)).toBeNull();
    expect(clock.pending()).toBe(0);
  });

  it('lets one of many in', async () => {
    const clock = fakeClock();
    const state = memoryState(clock);
    let inside = 0;
    const settled = await Promise.allSettled(
      Array.from({ length: 8 }, () =>
        withLease(state, KEY, asks(clock, 'a'), async () => {
          inside += 1;
          await new Promise((resolve) => setImmediate(resolve));
        }),
      ),
    );
    expect(inside).toBe(1);
    expect(settled.filter((result) => result.status === 'rejected')).toHaveLength(7);
  });

  it('is released when the work fails, and the failure comes through', async () => {
    const clock = fakeClock();
    const state = memoryState(clock);
    const failing = withLease(state, KEY, asks(clock, 'a'), () => Promise.reject(new Error('out of memory')));
    await expect(failing).rejects.toThrow('out of memory');
    expect(await state.get(KEY)).toBeNull();
    expect(clock.pending()).toBe(0);
  });

  it('lasts as long as its holder works, however long that is', async () => {
    const clock = fakeClock();
    const state = memoryState(clock);
    const mine = work();
    const holding = withLease(state, KEY, asks(clock, 'a'), mine.run);
    for (let i = 0; i < 5; i++) {
      await clock.advance(TTL_MS);
      await expect(withLease(state, KEY, asks(clock, 'b'), never)).rejects.toThrow(held);
    }
    mine.end();
    expect(await holding).toBe('done');
    expect(await state.get(KEY)).toBeNull();
  });

  it('comes to whoever waits as soon as the holder is done', async () => {
    const clock = fakeClock();
    const state = memoryState(clock);
    const [mine, theirs] = [work(), work()];
    const holding = withLease(state, KEY, asks(clock, 'a'), mine.run);
    const waiting = withLease(state, KEY, asks(clock, 'b', 10_000), theirs.run);
    await clock.advance(5_000);
    expect(theirs.begun()).toBe(false);
    mine.end();
    await holding;
    await clock.advance(1_000);
    expect(theirs.begun()).toBe(true);
    theirs.end();
    expect(await waiting).toBe('done');
  });

  it('of a dead holder runs out for whoever has the patience', async () => {
    const clock = fakeClock();
    const state = memoryState(clock);
    // What a killed process leaves behind.
    await state.create(KEY, { owner: 'dead' }, { ttlMs: TTL_MS });
    const impatient = expect(withLease(state, KEY, asks(clock, 'a', TTL_MS / 2), never)).rejects.toThrow(held);
    const patient = withLease(state, KEY, asks(clock, 'b', TTL_MS + 1_000), async () => 'mine now');
    await clock.advance(TTL_MS + 1_000);
    await impatient;
    expect(await patient).toBe('mine now');
    expect(clock.pending()).toBe(0);
  });

  it('survives a renewal that fails, and is not released once another took it', async () => {
    const clock = fakeClock();
    const state = memoryState(clock);
    let down = true;
    const flaky: State = {
      ...state,
      swap: (...entry) =>
        down ? Promise.reject(new TransientError('state_unavailable', 'busy')) : state.swap(...entry),
    };
    const mine = work();
    const holding = withLease(flaky, KEY, asks(clock, 'a'), mine.run);
    await clock.advance(TTL_MS / 2);
    down = false;
    await clock.advance(TTL_MS / 2);
    await expect(withLease(state, KEY, asks(clock, 'b'), never)).rejects.toThrow(held);

    down = true;
    await clock.advance(2 * TTL_MS);
    await state.create(KEY, { owner: 'b' }, { ttlMs: 10 * TTL_MS });
    down = false;
    await clock.advance(TTL_MS);
    mine.end();
    expect(await holding).toBe('done');
    expect((await state.get(KEY))?.value).toEqual({ owner: 'b' });
    expect(clock.pending()).toBe(0);
  });
});

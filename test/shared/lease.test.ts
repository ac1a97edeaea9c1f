import { describe, expect, it } from 'vitest';
import { withLease } from '#shared/registry/lease.ts';
import { fakeClock } from '#test/support/clock.ts';
import { memoryState } from '#test/support/memory-state.ts';

const KEY = 'lease/train/v1';
const mine = { ttlMs: 60_000, owner: 'a' };
const theirs = { ttlMs: 60_000, owner: 'b' };

const held = expect.objectContaining({ code: 'lease_held' });

describe('a lease', () => {
  it('excludes others while it runs, and is free afterwards', async () => {
    const state = memoryState(fakeClock());
    const answer = await withLease(state, KEY, mine, async () => {
      await expect(withLease(state, KEY, theirs, async () => 'never')).rejects.toThrow(
        expect.objectContaining({ code: 'lease_held', retryable: true, message: `lease ${KEY} is held by a` }),
      );
      return 'done';
    });
    expect(answer).toBe('done');
    expect(await withLease(state, KEY, theirs, async () => 'mine now')).toBe('mine now');
    expect(await state.get(KEY)).toBeNull();
  });

  it('lets one of many in', async () => {
    const state = memoryState(fakeClock());
    let inside = 0;
    const settled = await Promise.allSettled(
      Array.from({ length: 8 }, () =>
        withLease(state, KEY, mine, async () => {
          inside += 1;
          await new Promise((resolve) => setImmediate(resolve));
        }),
      ),
    );
    expect(inside).toBe(1);
    expect(settled.filter((result) => result.status === 'rejected')).toHaveLength(7);
  });

  it('is released when the work fails, and the failure comes through', async () => {
    const state = memoryState(fakeClock());
    const failing = withLease(state, KEY, mine, () => Promise.reject(new Error('out of memory')));
    await expect(failing).rejects.toThrow('out of memory');
    expect(await state.get(KEY)).toBeNull();
  });

  it('can be taken over when its holder outlives it, and the old holder does not release the new one', async () => {
    const clock = fakeClock();
    const state = memoryState(clock);
    await withLease(state, KEY, mine, async ({ renew }) => {
      await clock.advance(mine.ttlMs + 1);
      await state.create(KEY, { owner: 'b' }, { ttlMs: mine.ttlMs });
      await expect(renew()).rejects.toThrow(held);
    });
    expect((await state.get(KEY))?.value).toEqual({ owner: 'b' });
  });

  it('lasts as long as it is renewed', async () => {
    const clock = fakeClock();
    const state = memoryState(clock);
    await withLease(state, KEY, mine, async ({ renew }) => {
      for (let i = 0; i < 5; i++) {
        await clock.advance(mine.ttlMs - 1);
        await renew();
      }
      await expect(withLease(state, KEY, theirs, async () => 'never')).rejects.toThrow(held);
    });
    expect(await state.get(KEY)).toBeNull();
  });
});

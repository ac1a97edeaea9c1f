import { expect, test } from 'vitest';
import type { State } from '#shared/ports/state.ts';
import { createPace, memoryTurns } from '#shared/providers/pace.ts';
import { sharedTurns } from '#shared/providers/shared-turns.ts';
import { fakeClock } from '#test/support/clock.ts';
import { memoryState } from '#test/support/memory-state.ts';
import { paceContract } from './pace.ts';
import { errorOf } from './providers-world.ts';

paceContract('in memory', () => memoryTurns());
// Within an instant of the fake clock, but not at once: callers meet between reading and writing.
paceContract('over the state store', ({ hostClock, worldClock }) =>
  sharedTurns(
    'any',
    memoryState(hostClock, () => Promise.resolve()),
    worldClock,
  ),
);

const paceOver = (state: State, clock = fakeClock()) =>
  createPace('vast', sharedTurns('vast', state, clock), { hostClock: clock, worldClock: clock });

test('turns lie in the state store under their provider and endpoint, for as long as they can matter', async () => {
  const clock = fakeClock();
  const state = memoryState(clock);
  await paceOver(state, clock).reserve('create', 4_500, { deadline: clock.now() + 1 });
  expect(await state.get('pace/vast/create')).toMatchObject({
    value: { next_at: clock.now() + 4_505, barred_until: 0 },
  });
  await clock.advance(4_504 + 10 * 60_000);
  expect(await state.get('pace/vast/create')).not.toBeNull();
  await clock.advance(1);
  expect(await state.get('pace/vast/create')).toBeNull();
});

test('what cannot be read in the store holds nobody up', async () => {
  const clock = fakeClock();
  const state = memoryState(clock);
  await state.create('pace/vast/create', { next_at: 'tomorrow' });
  const pace = paceOver(state, clock);
  expect(await pace.waitMs('create')).toBe(0);
  await pace.reserve('create', 4_500, { deadline: clock.now() + 1 });
  expect(await pace.waitMs('create')).toBe(4_505);
});

test('who never gets a word in stops trying', async () => {
  const clock = fakeClock();
  const state = memoryState(clock);
  let tries = 0;
  const crowded: State = {
    ...state,
    async swap() {
      tries += 1;
      return null;
    },
  };
  await state.create('pace/vast/create', { next_at: 0, barred_until: 0 });
  const error = await errorOf(paceOver(crowded, clock).reserve('create', 4_500, { deadline: clock.now() + 1_000 }));
  expect(error).toMatchObject({
    code: 'provider_rate_limited',
    message: 'vast create: others took 16 turns before this call',
  });
  expect(tries).toBe(16);
});

test('where calls may come as they like nothing is written', async () => {
  const clock = fakeClock();
  const state = memoryState(clock);
  await paceOver(state, clock).reserve('list', 0, { deadline: clock.now() + 1 });
  expect(await state.list('pace/')).toEqual([]);
});

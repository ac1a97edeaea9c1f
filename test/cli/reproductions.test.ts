import { describe, expect, test } from 'vitest';
import { createReproductions, type ReproductionsDeps } from '#cli/stack/reproductions.ts';
import { RejectedError, TransientError } from '#shared/errors.ts';
import { compared, type Reproduction } from '#shared/learning/train/reproduction.ts';
import { fakeClock } from '#test/support/clock.ts';
import { aModel } from '#test/support/model.ts';

/** A training that ends when the test says so, or when it is stopped. */
function house() {
  const clock = fakeClock();
  const model = aModel();
  const runs: { version: string; how: Parameters<ReproductionsDeps['run']>[1]; stopped: () => unknown }[] = [];
  let end = Promise.withResolvers<Reproduction>();
  const reproductions = createReproductions({
    hostClock: clock,
    run(version, how) {
      end = Promise.withResolvers();
      how.signal.addEventListener('abort', () => end.reject(how.signal.reason));
      runs.push({ version, how, stopped: () => how.signal.reason });
      return end.promise;
    },
  });
  return {
    ...reproductions,
    clock,
    runs,
    result: compared(model, model),
    async ends(how: Reproduction | Error): Promise<void> {
      if (how instanceof Error) end.reject(how);
      else end.resolve(how);
      await clock.advance(0);
    },
  };
}

describe('reproductions', () => {
  test('one that was begun is looked at until it is over, and after', async () => {
    const { begin, look, runs, ends, result, clock } = house();
    expect(() => look('v1')).toThrow(expect.objectContaining({ code: 'not_found' }));
    begin('v1');
    expect(look('v1')).toEqual({ progress: null, reproduction: null });
    const progress = { kind: 'epoch', epoch: 1, epochs: 20, loss: 0.5 } as const;
    runs[0]?.how.onProgress(progress);
    expect(look('v1')).toEqual({ progress, reproduction: null });
    await ends(result);
    for (let looked = 0; looked < 2; looked++) expect(look('v1')).toEqual({ progress, reproduction: result });
    expect(clock.pending()).toBe(0);
  });

  test('what it failed of is told to whoever looks; begun again, it runs again', async () => {
    const { begin, look, runs, ends, result } = house();
    begin('v1');
    await ends(new RejectedError('record_changed', 'the record gives 3 now'));
    expect(() => look('v1')).toThrow(expect.objectContaining({ code: 'record_changed' }));
    begin('v1');
    await ends(result);
    expect(look('v1').reproduction).toEqual(result);
    expect(runs).toHaveLength(2);
  });

  test('one at a time: the same version is joined, another one refused until it is over', async () => {
    const { begin, look, runs, ends, result } = house();
    begin('v1');
    begin('v1');
    expect(runs).toHaveLength(1);
    expect(() => begin('v2')).toThrow(expect.objectContaining({ code: 'overloaded', retryable: true }));
    await ends(result);
    begin('v2');
    expect(() => look('v1')).toThrow(expect.objectContaining({ code: 'not_found' }));
    expect(runs.map(({ version }) => version)).toEqual(['v1', 'v2']);
  });

  test('is stopped when nobody has looked for a while, not before', async () => {
    const { begin, look, runs, clock } = house();
    begin('v1');
    for (let looked = 0; looked < 5; looked++) {
      await clock.advance(9_000);
      look('v1');
    }
    expect(runs[0]?.stopped()).toBeUndefined();
    await clock.advance(10_000);
    expect(runs[0]?.stopped()).toMatchObject({ message: 'nobody looks any more' });
    expect(() => look('v1')).toThrow('nobody looks any more');
    begin('v2');
    expect(runs).toHaveLength(2);
  });

  test('is not joined while it is being stopped', async () => {
    const stopping = Promise.withResolvers<Reproduction>();
    const clock = fakeClock();
    const { begin } = createReproductions({ hostClock: clock, run: () => stopping.promise });
    begin('v1');
    await clock.advance(10_000);
    expect(() => begin('v1')).toThrow(expect.objectContaining({ code: 'overloaded' }));
    stopping.reject(new TransientError('draining', 'training was stopped'));
    await clock.advance(0);
    expect(() => begin('v1')).not.toThrow();
  });

  test('closing stops it, waits for its end and begins no other', async () => {
    const { begin, close, runs, clock } = house();
    begin('v1');
    await close();
    expect(runs[0]?.stopped()).toMatchObject({ message: 'the stack is closing' });
    expect(clock.pending()).toBe(0);
    expect(() => begin('v1')).toThrow(expect.objectContaining({ code: 'draining' }));
    await close();
  });
});

import { afterEach, beforeEach, expect } from 'vitest';
import { type EngineHarness, engineHarness } from './bus-engine.ts';
import { subscription } from './bus-subscription.ts';

export const one = { topics: ['t'], subscriptions: [subscription('s', 't')] };
export const withDeadLetters = {
  topics: ['t'],
  subscriptions: [
    subscription('s', 't', { deadLetterTopic: 't-dead' }),
    subscription('graves', 't-dead', { pushUrl: null }),
  ],
};

/** Gives each test of the file one engine, and fails the test that leaves a timer behind. */
export function useEngine(): {
  make(...config: Parameters<typeof engineHarness>): Promise<EngineHarness>;
  /** Of the running test. */
  readonly harness: EngineHarness;
  texts(): string[];
  times(): number[];
} {
  let harness: EngineHarness | null = null;
  const current = (): EngineHarness => {
    if (harness === null) throw new Error('expected make() before the harness is used');
    return harness;
  };
  beforeEach(() => {
    harness = null;
  });
  afterEach(async () => {
    await harness?.dispose();
    expect(harness?.clock.pending() ?? 0, 'timers left behind').toBe(0);
  });
  return {
    async make(...config) {
      harness = await engineHarness(...config);
      return harness;
    },
    get harness() {
      return current();
    },
    texts: () => current().pushes.map((push) => push.text),
    times: () => current().pushes.map((push) => push.atMs),
  };
}

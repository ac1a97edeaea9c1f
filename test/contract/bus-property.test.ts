import fc from 'fast-check';
import { expect, test } from 'vitest';
import { testCases } from '#test/support/cases.ts';
import { type EngineHarness, type EnginePush, engineHarness } from './bus-engine.ts';
import { message } from './bus-message.ts';
import { subscription } from './bus-subscription.ts';

type Step =
  | { readonly kind: 'publish'; readonly keys: readonly (string | undefined)[]; readonly settled: boolean }
  | { readonly kind: 'answer'; readonly which: number; readonly result: number | string; readonly settled: boolean }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'crash' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      keys: fc.array(fc.constantFrom('a', 'b', undefined), { minLength: 1, maxLength: 3 }),
      settled: fc.boolean(),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      which: fc.nat(),
      result: fc.constantFrom<number | string>(204, 200, 204, 500, 'ECONNRESET'),
      settled: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.constantFrom(1, 400, 1_000, 5_000, 12_000) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const) }) },
);

const scenario = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 40, size: 'max' }),
  chaos: fc.option(fc.nat({ max: 1_000 }), { nil: null }),
  maxInFlight: fc.integer({ min: 1, max: 4 }),
});

interface Trace {
  /** Texts whose publish resolved, with their ids. */
  readonly durable: Map<string, string>;
  /** `subscription messageId` that got an acknowledging answer. */
  readonly acked: Set<string>;
  /** Those whose acknowledgement is certainly written. */
  readonly finished: Set<string>;
  /** Those that a crash may have caught between the answer and its commit. */
  readonly unsure: Set<string>;
}

/** The key that holds this push back, or null. */
const keyed = (push: EnginePush): string | null =>
  push.subscription === 'ordered' ? (push.orderingKey ?? null) : null;
const sameKey = (one: EnginePush, other: EnginePush): boolean => keyed(one) !== null && keyed(one) === keyed(other);
const idOf = (push: { subscription: string; messageId: string }): string => `${push.subscription} ${push.messageId}`;

function finishAcked({ acked, finished, unsure }: Trace): void {
  for (const id of acked) if (!unsure.has(id)) finished.add(id);
}

async function play(harness: EngineHarness, steps: readonly Step[], trace: Trace): Promise<void> {
  let sequence = 0;
  for (const next of steps) {
    if (next.kind === 'publish') {
      const texts = next.keys.map(() => `m${sequence++}`);
      const batch = texts.map((text, i) => message(text, {}, next.keys[i]));
      // A publish that the crash cuts off fails; whether it is there afterwards is open, and the laws allow both.
      harness.bus.publish('t', batch).then(
        (ids) => texts.forEach((text, i) => void trace.durable.set(text, ids[i] ?? '')),
        () => undefined,
      );
      if (next.settled) await harness.settle();
    } else if (next.kind === 'answer') {
      const open = harness.open();
      const push = open[next.which % Math.max(1, open.length)];
      if (push === undefined) continue;
      push.answer(next.result);
      if (typeof next.result === 'number' && next.result < 300) trace.acked.add(idOf(push));
      if (!next.settled) continue;
      await harness.settle();
      finishAcked(trace);
    } else if (next.kind === 'advance') {
      await harness.clock.advance(next.ms);
      await harness.settle();
      finishAcked(trace);
    } else {
      harness.crash();
      for (const id of trace.acked) if (!trace.finished.has(id)) trace.unsure.add(id);
      await harness.settle();
      await harness.restart();
    }
  }
}

/** Everyone answers from now on, until nothing waits. */
async function finish(harness: EngineHarness, trace: Trace): Promise<void> {
  harness.respond((push) => {
    trace.acked.add(idOf(push));
    return 204;
  });
  for (const push of harness.open()) {
    trace.acked.add(idOf(push));
    push.answer(204);
  }
  await harness.settle();
  for (let round = 0; round < 50; round++) {
    await harness.clock.advance(1_000);
    await harness.settle();
  }
}

function checkOrder(harness: EngineHarness): void {
  const latest = new Map<string, number>();
  for (const push of harness.pushes) {
    const key = keyed(push);
    if (key === null) continue;
    const before = latest.get(key) ?? 0;
    expect(Number(push.messageId), 'a later message of the key was delivered before').toBeGreaterThanOrEqual(before);
    latest.set(key, Number(push.messageId));
  }
}

test('any mix of publish, answer, silence, crash and time loses nothing and keeps every key in order', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async ({ steps, chaos, maxInFlight }) => {
      const harness = await engineHarness({
        topics: ['t'],
        subscriptions: [
          subscription('ordered', 't', { ordered: true, deadLetterTopic: 't-dead', maxAttempts: 3, maxInFlight }),
          subscription('plain', 't', { maxInFlight }),
        ],
        ...(chaos === null ? {} : { chaos: { seed: chaos, duplicate: 0.3, reorder: 0.3 } }),
      });
      try {
        const trace: Trace = { durable: new Map(), acked: new Set(), finished: new Set(), unsure: new Set() };
        const doubled: string[] = [];
        const together: string[] = [];
        harness.respond((push) => {
          if (chaos === null && trace.finished.has(idOf(push))) doubled.push(idOf(push));
          if (harness.open().filter((other) => sameKey(other, push)).length > 1) together.push(idOf(push));
          return null;
        });
        await harness.bus.start();
        await play(harness, steps, trace);
        await harness.settle();
        await finish(harness, trace);

        expect((await harness.bus.stats()).map(({ backlog }) => backlog)).toEqual([0, 0]);
        const dead = new Set((await harness.bus.deadLetters(1_000)).map(({ data }) => new TextDecoder().decode(data)));
        for (const [text, id] of trace.durable) {
          expect(trace.acked.has(`plain ${id}`), `${text} reached plain`).toBe(true);
          expect(trace.acked.has(`ordered ${id}`) || dead.has(text), `${text} reached ordered or its grave`).toBe(true);
        }
        expect(doubled, 'delivered again after its acknowledgement was written').toEqual([]);
        expect(together, 'open beside another of its key').toEqual([]);
        checkOrder(harness);
      } finally {
        await harness.dispose();
      }
      expect(harness.clock.pending()).toBe(0);
    }),
    // Each case opens files and commits with fsync: a tenth of the cases of a pure property.
    { numRuns: Math.ceil(testCases / 10) },
  );
});

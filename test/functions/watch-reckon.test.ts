import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { observe, published } from '#functions/watch/decide.ts';
import { OVERTIME_MS, START_LIMIT_MS } from '#shared/defaults.ts';
import { deploymentRecord, type OpenDeployment } from '#shared/domain/deployment.ts';
import { routingOutcome } from '#shared/domain/events/catalogue.ts';
import { runResultOf } from '#shared/domain/utility.ts';
import type { InstanceState, InstanceStatus } from '#shared/providers/provider.ts';
import { testCases } from '#test/support/cases.ts';
import { aStatus } from '#test/support/memory-provider.ts';
import { at, HOUR, liveRecord, look, MINUTE, START } from '#test/support/watch-house.ts';

/** A provider that keeps no books: what it says of an instance that was made at the start of the world. */
const plain = (state: InstanceState, changes: Partial<InstanceStatus> = {}): InstanceStatus =>
  aStatus('i-d1', 'd1', { state, created_at: at(0), usd_per_hour: 0.8, gpu_count: 2, ...changes });

/** The record after looks at the given minutes, its outcomes published as they come. */
function seenAs(...looks: readonly (readonly [number, InstanceStatus])[]): OpenDeployment {
  let record = liveRecord();
  let before: number | null = null;
  for (const [minute, status] of looks) {
    const seen = observe(record, look(status, minute, { beforeMs: before }));
    const next = published(seen.record, seen.outcomes);
    if (next.state !== 'live') throw new Error('expected a deployment that goes on');
    record = deploymentRecord.parse(next) as OpenDeployment;
    before = START + minute * MINUTE;
  }
  return record;
}
/** Four hours were bought; seen preparing at minute 2 and running at 4: ready at 3. */
const running = () => seenAs([2, plain('provisioning')], [4, plain('running')]);

describe('when it became ready', () => {
  test('is its provider’s word', () => {
    expect(seenAs([2, plain('provisioning')], [9, plain('running', { ready_at: at(3) })])).toMatchObject({
      ready_at: at(3),
      ready_within_ms: 0,
    });
  });

  test('else the middle between the last look that saw it not ready and the first that did', () => {
    expect(running()).toMatchObject({ ready_at: at(3), ready_within_ms: MINUTE, ready_published: true });
  });

  test('and how far that may be off is told with it, at the beginning and at the end', () => {
    const { outcomes } = observe(seenAs([2, plain('provisioning')]), look(plain('running'), 4));
    expect(outcomes).toMatchObject([{ status: 'ready', ready_ms: 3 * MINUTE, ready_within_ms: MINUTE }]);
    const over = observe(running(), look(plain('completed'), 250));
    expect(over.outcomes.at(-1)).toMatchObject({ final: true, ready_ms: 3 * MINUTE, ready_within_ms: MINUTE });
    const told = observe(seenAs([2, plain('provisioning')]), look(plain('running', { ready_at: at(3) }), 4));
    expect(told.outcomes).toMatchObject([{ ready_ms: 3 * MINUTE, ready_within_ms: null }]);
  });

  test('counts from its creation when nobody had looked before', () => {
    expect(seenAs([10, plain('running')])).toMatchObject({ ready_at: at(5), ready_within_ms: 5 * MINUTE });
  });

  test('of a process that begins: from the look on record, whatever it does not remember', () => {
    const record = seenAs([2, plain('provisioning')]);
    expect(observe(record, look(plain('running'), 6)).record).toMatchObject({ ready_at: at(4) });
  });

  test('stays what was published, whatever is said later', () => {
    const { record } = observe(running(), look(plain('running', { ready_at: at(1) }), 5));
    expect(record).toMatchObject({ ready_at: at(3), ready_within_ms: MINUTE });
  });
});

describe('what a run came to', () => {
  const ended = (status: InstanceStatus, minute: number, beforeMinute: number | null = minute - 1) => {
    const beforeMs = beforeMinute === null ? null : START + beforeMinute * MINUTE;
    const { record, outcomes } = observe(running(), look(status, minute, { beforeMs }));
    const final = routingOutcome.schema.parse(outcomes.at(-1));
    expect(record.ending).toMatchObject({ status: final.status });
    return final;
  };

  test('a whole one: all of its work, its hours times its price', () => {
    const final = ended(plain('completed', { ended_at: at(243) }), 250);
    expect(final).toMatchObject({
      status: 'completed',
      observed_at: at(243),
      ready_ms: 3 * MINUTE,
      exposure_hours: 4,
      useful_gpu_hours: 8,
      billed_gpu_hours: 8,
    });
    expect(final.cost_usd).toBeCloseTo(3.2, 12);
    expect(final.effective_usd_per_gpu_hour).toBeCloseTo(0.4, 12);
  });

  test('one that broke keeps its whole hours', () => {
    const final = ended(plain('preempted', { ended_at: at(3 + 150) }), 160);
    expect(final).toMatchObject({ status: 'preempted', exposure_hours: 2.5, useful_gpu_hours: 4, billed_gpu_hours: 5 });
    expect(final.cost_usd).toBeCloseTo(2, 12);
    expect(runResultOf(final)).toMatchObject({ completed: false, lost_share: 0.5 });
  });

  test('more GPUs than were asked for are paid, and do no more work', () => {
    const final = ended(plain('completed', { ended_at: at(243), gpu_count: 6, usd_per_hour: 2.4 }), 250);
    expect(final).toMatchObject({ useful_gpu_hours: 8, billed_gpu_hours: 24 });
    expect(final.cost_usd).toBeCloseTo(9.6, 12);
    // What a GPU-hour of work came to: the price head learns of it.
    expect(final.effective_usd_per_gpu_hour).toBeCloseTo(1.2, 12);
  });

  test('storage is billed from creation until we end it, long after the run', () => {
    const final = ended(plain('preempted', { ended_at: at(63), storage_usd_per_hour: 0.1 }), 600);
    expect(final.cost_usd).toBeCloseTo(0.8 + 1, 12);
  });

  test('one that was never ready pays for storage only', () => {
    const { outcomes } = observe(
      seenAs([2, plain('provisioning')]),
      look(plain('failed_to_start', { blame: 'provider', storage_usd_per_hour: 0.1, ended_at: at(10) }), 60),
    );
    expect(outcomes).toMatchObject([{ ready_ms: null, exposure_hours: 0, billed_gpu_hours: 0, useful_gpu_hours: 0 }]);
    expect(outcomes[0]?.cost_usd).toBeCloseTo(0.1, 12);
  });

  test('what the provider no longer says is taken from what it said before', () => {
    const silent = plain('preempted', { ended_at: at(63), usd_per_hour: null, gpu_count: null });
    expect(ended(silent, 70)).toMatchObject({ billed_gpu_hours: 2, cost_usd: 0.8 });
  });

  test('a provider that never named a price charges what it offered', () => {
    const nameless = (state: InstanceState) => plain(state, { usd_per_hour: null, gpu_count: null });
    const record = seenAs([2, nameless('provisioning')], [4, nameless('running')]);
    const { outcomes } = observe(record, look({ ...nameless('preempted'), ended_at: at(63) }, 70));
    expect(outcomes[0]?.cost_usd).toBeCloseTo(2 * 0.4, 12);
  });

  test('without an instant of its own it ended between two looks; without the one before, now', () => {
    expect(ended(plain('preempted'), 70, 66)).toMatchObject({ observed_at: at(68) });
    expect(ended(plain('preempted'), 70, null)).toMatchObject({ observed_at: at(70) });
  });

  test('taken away between two looks that did not see it run: it did, and nobody knows since when', () => {
    const beforeMs = START + 10 * MINUTE;
    const { outcomes } = observe(
      seenAs([2, plain('provisioning')]),
      look(plain('preempted', { ended_at: at(30) }), 32, { beforeMs }),
    );
    expect(outcomes).toMatchObject([
      { status: 'ready', observed_at: at(20) },
      { status: 'preempted', ready_ms: 20 * MINUTE, exposure_hours: 1 / 6, billed_gpu_hours: 1 / 3 },
    ]);
  });

  test('what its provider has in its books counts', () => {
    const books = { exposure_hours: 1.5, useful_gpu_hours: 2, billed_gpu_hours: 3.5, cost_usd: 7, latency_ms: 80 };
    const final = ended(plain('preempted', { ended_at: at(63), ...books }), 70);
    expect(final).toMatchObject(books);
    expect(final.effective_usd_per_gpu_hour).toBe(2);
  });
});

describe('a workload that ended by itself', () => {
  const exit = (minute: number, changes: Partial<InstanceStatus> = {}) =>
    observe(running(), look(plain('exited', { ended_at: at(minute), ...changes }), minute + 1)).outcomes.at(-1);

  test.each<[string, number, Partial<InstanceStatus>, string, string | null]>([
    ['after the planned time', 243, {}, 'completed', null],
    ['after 95 % of it, read in its favour', 4 * 60 * 0.95 + 2, {}, 'completed', null],
    ['after less', 4 * 60 * 0.95 + 1, {}, 'failed', 'tenant'],
    ['early, by its provider’s fault', 60, { blame: 'provider' }, 'failed', 'provider'],
    ['early, by the network', 60, { blame: 'network' }, 'failed', 'network'],
  ])('%s', (_, minute, changes, status, blame) => {
    expect(exit(minute, changes)).toMatchObject({ status, blame });
  });

  test('before it was ready: a failed start', () => {
    const { outcomes } = observe(seenAs([2, plain('provisioning')]), look(plain('exited', { ended_at: at(9) }), 10));
    expect(outcomes).toMatchObject([{ status: 'failed_to_start', blame: 'tenant', ready_ms: null, exposure_hours: 0 }]);
  });

  test('between two looks, all of it: done, and it began when its end says', () => {
    const beforeMs = START + 2 * MINUTE;
    const { outcomes } = observe(
      seenAs([2, plain('provisioning')]),
      look(plain('exited', { ended_at: at(250) }), 260, { beforeMs }),
    );
    expect(outcomes).toMatchObject([
      { status: 'ready', observed_at: at(10), ready_ms: 10 * MINUTE },
      { status: 'completed', exposure_hours: 4 },
    ]);
  });
});

describe('what we end', () => {
  const planned = 3 + 1 + 240;
  test('a run past its planned time, counted from the latest instant at which it may have become ready', () => {
    const early = observe(running(), look(plain('running'), planned + OVERTIME_MS / MINUTE - 0.01));
    expect(early.record.ending).toBeNull();
    const { outcomes } = observe(running(), look(plain('running'), planned + OVERTIME_MS / MINUTE));
    expect(outcomes).toMatchObject([{ status: 'completed', blame: null, useful_gpu_hours: 8 }]);
    expect(outcomes[0]?.billed_gpu_hours).toBeCloseTo(8 + (2 * 2) / 60, 12);
  });

  test('a start that takes for ever', () => {
    const minute = START_LIMIT_MS / MINUTE;
    expect(observe(liveRecord(), look(plain('provisioning'), minute - 1)).record.ending).toBeNull();
    expect(observe(liveRecord(), look(plain('provisioning'), minute)).outcomes).toMatchObject([
      { status: 'failed_to_start', blame: 'provider', observed_at: at(minute) },
    ]);
  });

  test('what its tenant gives up, with its costs so far; whatever had ended before keeps its own end', () => {
    const record = { ...running(), cancel_requested_at: at(60) };
    expect(observe(record, look(plain('running'), 63)).outcomes).toMatchObject([
      { status: 'cancelled', blame: 'tenant', exposure_hours: 1, cost_usd: 0.8, observed_at: at(63) },
    ]);
    expect(observe(record, look(plain('preempted', { ended_at: at(59) }), 63)).outcomes).toMatchObject([
      { status: 'preempted' },
    ]);
    // Route has told its provider, and that says no more than that its customer ended it.
    for (const [state, ended_at, status] of [
      ['exited', null, 'cancelled'],
      ['exited', at(61), 'cancelled'],
      ['exited', at(59), 'failed'],
      ['failed', null, 'cancelled'],
    ] as const)
      expect(observe(record, look(plain(state, { ended_at }), 63)).outcomes).toMatchObject([
        { status, blame: 'tenant' },
      ]);
    const theirs = plain('failed', { blame: 'provider' });
    expect(observe(record, look(theirs, 63)).outcomes).toMatchObject([{ status: 'failed', blame: 'provider' }]);
  });

  test('what its tenant gives up and route has ended already: its costs until then, as far as anybody saw it', () => {
    const record = { ...running(), cancel_requested_at: at(63) };
    expect(observe(record, look(null, 70)).outcomes).toMatchObject([
      {
        status: 'cancelled',
        blame: 'tenant',
        exposure_hours: 1,
        billed_gpu_hours: 2,
        cost_usd: 0.8,
        observed_at: at(70),
      },
    ]);
    const starting = { ...seenAs([2, plain('provisioning')]), cancel_requested_at: at(3) };
    expect(observe(starting, look(null, 4)).outcomes).toMatchObject([
      { status: 'cancelled', ready_ms: null, cost_usd: 0 },
    ]);
    for (const unknown of [
      { ...liveRecord(), cancel_requested_at: at(3) },
      { ...running(), unknown_since: at(40), cancel_requested_at: at(63) },
    ])
      expect(observe(unknown, look(null, 70)).outcomes.at(-1)).toMatchObject({ status: 'cancelled', cost_usd: null });
  });
});

describe('what is kept of a look', () => {
  test('its address, GPUs and prices; the record stays the same object while nothing that matters changes', () => {
    const record = running();
    expect(record.seen).toMatchObject({ state: 'running', usd_per_hour: 0.8, gpu_count: 2, address: null });
    expect(observe(record, look(plain('running'), 30)).record).toBe(record);
    // A token whose price moves.
    expect(observe(record, look(plain('running', { usd_per_hour: 0.807 }), 30)).record).toBe(record);
    expect(observe(record, look(plain('running', { usd_per_hour: 0.81 }), 30)).record.seen?.usd_per_hour).toBe(0.81);
    const address = { host: 'a.example', port: 80, tls: false };
    expect(observe(record, look(plain('running', { address }), 30)).record.seen).toMatchObject({ at: at(30), address });
  });
});

const statusArbitrary: fc.Arbitrary<InstanceStatus> = fc.record({
  instance_id: fc.constant('i-d1'),
  request_id: fc.constant('d1'),
  state: fc.constantFrom(
    'provisioning',
    'running',
    'exited',
    'completed',
    'failed_to_start',
    'preempted',
    'failed',
    'cancelled',
  ),
  blame: fc.constantFrom(null, 'provider', 'tenant', 'network', 'ours'),
  created_at: minuteOrNull(),
  ready_at: minuteOrNull(),
  ended_at: minuteOrNull(),
  address: fc.constant(null),
  gpu_count: fc.option(fc.integer({ min: 1, max: 64 }), { nil: null }),
  usd_per_hour: figure(),
  storage_usd_per_hour: figure(),
  latency_ms: figure(),
  exposure_hours: figure(),
  useful_gpu_hours: figure(),
  billed_gpu_hours: figure(),
  cost_usd: figure(),
});
function minuteOrNull(): fc.Arbitrary<string | null> {
  return fc.option(fc.integer({ min: -100, max: 1_000 }).map(at), { nil: null });
}
function figure(): fc.Arbitrary<number | null> {
  return fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }), { nil: null });
}

test('whatever a provider says, in whatever order: valid outcomes, ready at most once, one end, and a record that can be read', () => {
  fc.assert(
    fc.property(fc.array(fc.option(statusArbitrary, { nil: null }), { minLength: 1, maxLength: 8 }), (statuses) => {
      let record = liveRecord();
      const sequences: number[] = [];
      for (const [i, status] of statuses.entries()) {
        const seen = observe(
          record,
          look(status, i * 37, { beforeMs: i === 0 ? null : START + (i - 1) * 37 * MINUTE }),
        );
        for (const outcome of seen.outcomes) {
          expect(routingOutcome.schema.parse(outcome)).toEqual(outcome);
          sequences.push(outcome.sequence);
        }
        const next = deploymentRecord.parse(published(seen.record, seen.outcomes));
        // Killed after its end was noted: the same words again, whatever is seen by then.
        if (seen.record.ending !== null) {
          const noted = deploymentRecord.parse(seen.record) as OpenDeployment;
          expect(JSON.stringify(observe(noted, look(null, 9_999)).outcomes)).toBe(JSON.stringify(seen.outcomes));
        }
        if (next.state !== 'live') break;
        record = next;
      }
      expect(new Set(sequences).size).toBe(sequences.length);
      expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
    }),
    { numRuns: testCases },
  );
});

test('hours of the tests are those of the sample', () => {
  const { request } = liveRecord().request;
  expect((request.gpu_hours / request.gpu_count) * HOUR).toBe(4 * HOUR);
});

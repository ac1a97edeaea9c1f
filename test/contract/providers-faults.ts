import { describe, expect, test, vi } from 'vitest';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { AuroraError, type ErrorCode } from '#shared/errors.ts';
import { isOver } from '#shared/providers/provider.ts';
import { COMMON_FAULTS } from '#sim/providers/kit/api.ts';
import { deploy, house, moveForEach, provider } from './provider-house.ts';
import {
  billsOf,
  deployOn,
  errorOf,
  PATIENCE_MS,
  type ProviderSubject,
  running,
  soon,
  WAYS,
} from './providers-world.ts';

/** What a call may end with while the line or the server is broken. */
const PASSING: readonly ErrorCode[] = [
  'provider_unavailable',
  'provider_answer_invalid',
  'provider_rate_limited',
  'offers_unreadable',
  'deadline_exceeded',
];
/** By which a call may outlast its deadline: timers on a busy machine. */
const SLACK_MS = 500;
/** Patience with what will not come, host milliseconds: two attempts and a bit. */
const FEW_MS = 350;
const COMMON = Object.keys(COMMON_FAULTS);

/** Under every fault of any server and any line. */
export function describeFaults(subject: ProviderSubject): void {
  describe('faults', () => {
    moveForEach(subject);

    /** Whether it ended in time, with a value or with an error that says how to go on. */
    async function inTime(operation: () => Promise<unknown>, patienceMs = PATIENCE_MS): Promise<'ok' | ErrorCode> {
      const startedMs = hostClock.now();
      try {
        await operation();
        return 'ok';
      } catch (error) {
        expect(error).toBeInstanceOf(AuroraError);
        return (error as AuroraError).code;
      } finally {
        expect(hostClock.now() - startedMs).toBeLessThan(patienceMs + SLACK_MS);
      }
    }

    test.each(COMMON)('%s once: whoever only looks sees it after all', async (fault) => {
      const id = await deployOn(provider, WAYS.runs, 'f-1');
      const { offers, status, instances, find } = subject.operations;
      house.fake.faults.set(
        [...new Set([...offers, ...status, ...instances, ...find])].map((operation) => ({
          fault,
          operation,
          times: 1,
        })),
      );
      const looks = [
        () => provider.offers({}, soon()),
        () => provider.status(id, soon()),
        () => provider.instances(soon()),
        () => provider.find('f-1', soon()),
      ];
      expect(await Promise.all(looks.map((look) => inTime(look)))).toEqual(looks.map(() => 'ok'));
      const faulty = house.fake.log().filter((line) => line.fault === fault);
      expect(faulty.length).toBeGreaterThan(0);
    });

    test.each(COMMON)('%s for ever: every call ends in time, with an error that passes', async (fault) => {
      const id = await deployOn(provider, WAYS.runs, 'f-2');
      house.fake.faults.set([{ fault }]);
      const calls = [
        () => provider.offers({}, soon(FEW_MS)),
        () => provider.find('f-2', soon(FEW_MS)),
        () => provider.instances(soon(FEW_MS)),
        () => provider.status(id, soon(FEW_MS)),
        () => provider.health(soon(FEW_MS)),
        () => deploy('f-3', provider, {}, FEW_MS),
      ];
      // Late is not broken.
      const ends = fault === 'slow_first_byte' ? ['ok', ...PASSING] : PASSING;
      for (const outcome of await Promise.all(calls.map((call) => inTime(call, FEW_MS))))
        expect(ends).toContain(outcome);
      // What is gone is gone, however the provider says so; what may not be is no success.
      const ended = await inTime(() => provider.terminate(id, soon(FEW_MS)), FEW_MS);
      if (ended === 'ok') expect(running(billsOf(house.fake, 'f-2'))).toEqual([]);
      else expect(PASSING).toContain(ended);
    });

    test.each(COMMON)('%s at any step of a deployment: one instance in the end, and one bill', async (fault) => {
      const steps = [...new Set([...subject.operations.find, ...subject.operations.create])];
      for (const [n, operation] of steps.entries()) {
        const requestId = `f-4-${n}`;
        house.fake.faults.set([{ fault, operation, times: 1 }]);
        const first = await inTime(() => deploy(requestId));
        expect(['ok', ...PASSING]).toContain(first);
        house.fake.faults.set([]);
        // Killed in the middle: whoever comes next remembers nothing.
        const { instance_id: id } = await deploy(requestId, house.connect());
        expect(await provider.find(requestId, soon())).toBe(id);
        expect(running(billsOf(house.fake, requestId)).map(({ native_id }) => native_id)).toHaveLength(1);
      }
    });

    test.each(COMMON)('%s while it is terminated: it is, or the caller knows that it may not be', async (fault) => {
      const id = await deployOn(provider, WAYS.runs, 'f-5');
      for (const operation of subject.operations.terminate) {
        house.fake.faults.set([{ fault, operation, times: 1 }]);
        expect(await inTime(() => provider.terminate(id, soon()))).toBe('ok');
        expect(running(house.fake.bills())).toEqual([]);
      }
    });

    test('made, its answer lost, and the look for it refused: no word that nothing was made', async () => {
      const last = { fault: 'hang_after_effect', operation: subject.operations.create.at(-1) ?? '' };
      house.fake.faults.set([last]);
      const outcome = errorOf(deploy('f-10'));
      await vi.waitFor(() => expect(billsOf(house.fake, 'f-10')).toHaveLength(1), {
        timeout: PATIENCE_MS,
        interval: 5,
      });
      house.fake.faults.set([
        last,
        ...subject.operations.find.map((operation) => ({ fault: subject.refusal, operation })),
      ]);
      expect((await outcome).retryable).toBe(true);
      house.fake.faults.set([]);
      const { instance_id: id } = await deploy('f-10', house.connect());
      expect(billsOf(house.fake, 'f-10').map(({ native_id }) => native_id)).toEqual([id]);
    });

    test('nothing is made while nobody can say whether it was', async () => {
      for (const fault of ['500', 'malformed_json', 'empty_body', 'html']) {
        house.fake.faults.set(subject.operations.find.map((operation) => ({ fault, operation })));
        expect(PASSING).toContain(await inTime(() => deploy('f-6')));
      }
      expect(house.fake.log().filter(({ operation }) => subject.operations.create.includes(operation))).toEqual([]);
    });

    test('down for a while: what was asked meanwhile is done once, later', async () => {
      const nowMs = house.worldClock.now();
      house.fake.faults.set([{ fault: 'flap', until_ms: nowMs + 600_000 }]);
      const outcomes: string[] = [];
      for (let tries = 0; tries < 20 && outcomes.at(-1) !== 'ok'; tries += 1) {
        outcomes.push(await inTime(() => deploy('f-7', provider, {}, 400), 400));
        house.skip(60_000);
      }
      expect(outcomes.at(0)).not.toBe('ok');
      expect(outcomes.at(-1)).toBe('ok');
      expect(billsOf(house.fake, 'f-7')).toHaveLength(1);
    });

    test('a third of everything fails: each request gets its one instance, and none is left when they are ended', async () => {
      house.fake.faults.set(
        COMMON.filter((fault) => !fault.startsWith('hang')).map((fault) => ({ fault, share: 0.3 / COMMON.length })),
      );
      const requests = Array.from({ length: 8 }, (_, n) => `f-8-${n}`);
      const made = new Map<string, string>();
      const until = async (work: () => Promise<unknown>): Promise<void> => {
        for (let tries = 0; tries < 30; tries += 1) if ((await inTime(work)) === 'ok') return;
        throw new Error('expected it to succeed in thirty tries');
      };
      for (const requestId of requests)
        await until(async () => made.set(requestId, (await deploy(requestId, house.connect())).instance_id));
      for (const requestId of requests) expect(billsOf(house.fake, requestId)).toHaveLength(1);
      for (const id of made.values()) await until(() => provider.terminate(id, soon()));
      await until(async () => expect((await provider.instances(soon())).filter((one) => !isOver(one))).toEqual([]));
      expect(running(house.fake.bills())).toEqual([]);
    });

    test('a key that is refused is told as such, and is in no error and no metric', async () => {
      const planted = 'planted-a1b2c3d4e5f6-planted';
      const stranger = house.connect({ key: planted });
      const calls = (): readonly Promise<unknown>[] => [
        stranger.offers({}, soon(400)),
        stranger.find('f-9', soon(400)),
        stranger.instances(soon(400)),
        stranger.status('1', soon(400)),
        stranger.terminate('1', soon(400)),
        stranger.health(soon(400)),
        deploy('f-9', stranger, {}, 400),
      ];
      const told: string[] = [];
      for (const error of await Promise.all(calls().map(errorOf))) {
        expect(error.code).toBe('provider_unauthorized');
        told.push(everythingOf(error));
      }
      for (const fault of COMMON.filter((name) => name !== 'slow_first_byte')) {
        house.fake.faults.set([{ fault }]);
        for (const outcome of await Promise.allSettled(calls()))
          if (outcome.status === 'rejected') told.push(everythingOf(outcome.reason));
      }
      expect(told.length).toBeGreaterThan(calls.length);
      for (const half of [planted.slice(0, 14), planted.slice(-14)]) {
        expect(told.filter((text) => text.includes(half))).toEqual([]);
        expect(await house.metrics.exposition()).not.toContain(half);
      }
    });

    test('each attempt is counted by what became of it, and timed', async () => {
      const [operation = ''] = subject.operations.offers;
      house.fake.faults.set([{ fault: '500', operation, times: 1 }]);
      await provider.offers({}, soon());
      const text = await house.metrics.exposition();
      expect(text).toMatch(
        new RegExp(
          `aurora_provider_calls_total\\{provider="${subject.id}",operation="\\w+",result="provider_unavailable"\\} [1-9]`,
        ),
      );
      expect(text).toMatch(
        new RegExp(`aurora_provider_call_seconds_count\\{provider="${subject.id}",operation="\\w+"\\}`),
      );
    });

    test('a fault of another process: over HTTP, and refused by name when there is none such', async () => {
      const put = (rules: unknown) =>
        fetch(`${house.fake.url}/_fake/faults`, { method: 'PUT', body: JSON.stringify(rules) });
      expect((await put([{ fault: 'no such fault' }])).status).toBe(400);
      expect((await put([{ fault: '500', until: 1 }])).status).toBe(400);
      expect((await put([{ fault: '500' }])).status).toBe(200);
      expect(PASSING).toContain((await errorOf(provider.instances(soon(400)))).code);
      const log = (await (await fetch(`${house.fake.url}/_fake/log`)).json()) as readonly { fault: string }[];
      expect(log.at(-1)?.fault).toBe('500');
      expect(await (await fetch(`${house.fake.url}/_fake/bills`)).json()).toEqual([]);
    });
  });
}

/** What can be read of an error anywhere: message, stack, details and causes. */
function everythingOf(error: unknown): string {
  if (!(error instanceof Error)) return JSON.stringify(error);
  const details = error instanceof AuroraError ? JSON.stringify(error.details ?? {}) : '';
  return [error.message, error.stack, details, error.cause === undefined ? '' : everythingOf(error.cause)].join('\n');
}

import { createServer } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createProbe } from '#functions/probe/handler.ts';
import { bodyOf as bodyOfTransition, createWebhook, type Webhook } from '#functions/probe/webhook.ts';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { probeRequested } from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { AlertTransition } from '#shared/domain/probe.ts';
import { TransientError } from '#shared/errors.ts';
import { jsonBytes } from '#shared/registry/object-json.ts';
import { EVENT_SAMPLES } from '#test/support/events.ts';
import { closeServer, listenOnLoopback } from '#test/support/loopback.ts';
import { memoryBus } from '#test/support/memory-bus.ts';
import { Crash, memoryObjects } from '#test/support/memory-objects.ts';
import { type Move, probeHouse, suiteOf } from '#test/support/probe-house.ts';
import { aPush, bodyOf, deliver, post } from '#test/support/push.ts';
import { testDeps } from '#test/support/runtime.ts';

const PERIOD_MS = 60_000;

interface Asked {
  readonly webhook?: Webhook['tell'];
  /** Of more checks than `a`. */
  readonly more?: readonly string[];
}

function house(moves: readonly Move[], { webhook, more = [] }: Asked = {}) {
  const ids = ['a', ...more];
  const probes = probeHouse(Object.fromEntries(ids.map((id) => [id, moves])));
  const { clock } = probes;
  const bus = memoryBus();
  const objects = memoryObjects();
  const told: AlertTransition[] = [];
  const deps = testDeps(clock);
  let suite = probes.suite(suiteOf(ids));
  const app = () =>
    createProbe({
      ...deps,
      worldClock: clock,
      bus,
      objects,
      suites: [suite],
      tools: () => probes.tools,
      webhook: {
        tell: async (transition, signal) => {
          await webhook?.(transition, signal);
          told.push(transition);
        },
        close: async () => undefined,
      },
    });
  const request = (atMs: number) => ({ suite: 'local', requested_at: rfc3339(atMs), requested_by: 'cron' });
  let current = app();
  return {
    ...{ clock, bus, objects, told, deps, probes },
    /** A new instance takes over. */
    restart() {
      current = app();
    },
    /** A new instance, whose suite has been edited. */
    edit(from: string, to: string) {
      suite = probes.suite(suiteOf(ids).replace(from, to));
      current = app();
    },
    /** A request whose sender hangs up when `signal` says so. */
    askUntil: async (signal: AbortSignal): Promise<number> =>
      (await current.handle({ ...aPush(encodeEvent(probeRequested, request(clock.now()))), signal })).status,
    state: async () => JSON.parse(new TextDecoder().decode((await objects.read('probes/local/alerts.json'))?.bytes)),
    run: async () => post(current, '/run'),
    ask: (atMs = clock.now(), suiteId = 'local') =>
      deliver(current, probeRequested, { ...request(atMs), suite: suiteId }),
    /** A period after the last. */
    async next(): Promise<number> {
      await clock.advance(PERIOD_MS);
      return deliver(current, probeRequested, request(clock.now()));
    },
    metrics: () => deps.metrics.exposition(),
  };
}

describe('probe', () => {
  test('a tick asks for a run of each suite, and the run puts each result on record', async () => {
    const { run, bus, ask, metrics } = house(['pass']);
    expect(bodyOf(await run())).toEqual({ event_ids: [expect.any(String)] });
    expect(bus.payloads('probe-requested')).toEqual([
      { suite: 'local', requested_at: '2026-01-01T00:00:00.000Z', requested_by: 'cron' },
    ]);
    expect(await ask()).toBe(204);
    expect(bus.payloads('probe-result')).toMatchObject([
      { suite: 'local', check_id: 'a', status: 'pass', attempts: 1 },
    ]);
    expect(bus.payloads('alert-changed')).toEqual([]);
    const text = await metrics();
    expect(text).toContain('aurora_probe_up{suite="local",check="a"} 1');
    expect(text).toContain('aurora_probe_runs_total{suite="local",verdict="passed"} 1');
    expect(text).toContain('aurora_probe_alerts_firing{suite="local"} 0');
  });

  test('a second request of a period, and one that is older than a period, run nothing', async () => {
    const { ask, clock, probes, metrics } = house(['pass']);
    const firstMs = clock.now();
    expect([await ask(), await ask(firstMs + 1_000)]).toEqual([204, 204]);
    await clock.advance(10 * PERIOD_MS);
    expect(await ask(firstMs + PERIOD_MS)).toBe(204);
    expect(probes.attempts.get('a')).toBe(1);
    const text = await metrics();
    expect(text).toContain('aurora_probe_requests_dropped_total{suite="local",reason="counted"} 1');
    expect(text).toContain('aurora_probe_requests_dropped_total{suite="local",reason="too_old"} 1');
  });

  test('two instances with one request count it once, and publish the same', async () => {
    const { ask, bus, objects } = house(['fail']);
    expect(await Promise.all([ask(), ask()])).toEqual([204, 204]);
    expect(bus.distinct('probe-result')).toHaveLength(1);
    const name = 'probes/local/alerts.json';
    const state = JSON.parse(new TextDecoder().decode((await objects.read(name))?.bytes));
    expect(state).toMatchObject({ checks: { a: { recent: [true] } } });
  });

  test('a suite that is not configured goes to quarantine', async () => {
    const { ask, bus, clock } = house(['pass']);
    expect(await ask(clock.now(), 'elsewhere')).toBe(204);
    expect(bus.payloads('event-rejected')).toMatchObject([{ code: 'suite_unknown', function_name: 'probe' }]);
  });

  test('fires after three bad runs, is told once, over cold starts too, and is over after three good ones', async () => {
    const { next, restart, told, bus } = house(['fail', 'fail', 'fail', 'fail', 'pass']);
    for (let run = 0; run < 9; run += 1) {
      expect(await next()).toBe(204);
      restart();
    }
    expect(told.map(({ state, dedupe_key }) => [state, dedupe_key])).toEqual([
      ['firing', 'local/a/2026-01-01T00:03:00.000Z'],
      ['resolved', 'local/a/2026-01-01T00:03:00.000Z'],
    ]);
    expect(bus.payloads('alert-changed')).toEqual(told);
  });

  test('nine periods, each asked of three instances at once, all of them new: counted once, told of once', async () => {
    const { ask, restart, clock, objects, told } = house([
      ...Array.from({ length: 12 }, () => 'fail' as const),
      'pass',
    ]);
    const counted: number[] = [];
    for (let period = 0; period < 9; period += 1) {
      await clock.advance(PERIOD_MS);
      const answers = [ask(), ask(), ask()].map((asked) => {
        restart();
        return asked;
      });
      for (const answer of await Promise.all(answers)) expect(answer).toBe(204);
      const state = JSON.parse(new TextDecoder().decode((await objects.read('probes/local/alerts.json'))?.bytes));
      counted.push(state.checks.a.recent.length);
      expect(state.untold).toEqual([]);
    }
    expect(counted.slice(0, 4)).toEqual([1, 2, 3, 4]);
    expect(told.map(({ state, dedupe_key }) => `${state} ${dedupe_key}`)).toEqual([
      'firing local/a/2026-01-01T00:03:00.000Z',
      'resolved local/a/2026-01-01T00:03:00.000Z',
    ]);
  });

  test('whom the webhook could not tell is told at the next run', async () => {
    let failures = 1;
    const { next, told } = house(['fail'], {
      webhook: async () => {
        if (failures-- > 0) throw new TransientError('upstream_unavailable', 'away');
      },
    });
    const answers = [];
    for (let run = 0; run < 5; run += 1) answers.push(await next());
    expect(answers).toEqual([204, 204, 503, 204, 204]);
    expect(told).toHaveLength(1);
  });

  // Of a run the last report is the first write, the count the second, taking out what was told the third.
  test.each([
    ['before the count', 2, ['firing 2026-01-01T00:04:00.000Z']],
    ['after the call', 3, ['firing 2026-01-01T00:03:00.000Z', 'firing 2026-01-01T00:03:00.000Z']],
  ])('killed %s: the next run tells, under one key', async (_, write, expected) => {
    const { next, objects, told, restart } = house(['fail']);
    await next();
    await next();
    objects.crashAtWrite(write);
    await next().catch((error: unknown) => expect(error).toBeInstanceOf(Crash));
    objects.crashAtWrite(null);
    restart();
    await next();
    expect(told.map(({ dedupe_key, state }) => `${state} ${dedupe_key.split('/')[2]}`)).toEqual(expected);
  });

  test('a state that cannot be read is begun anew, and said', async () => {
    const { next, objects, told, deps } = house(['fail']);
    await next();
    for (const name of objects.names()) objects.corrupt(name, new TextEncoder().encode('{"half'));
    for (let run = 0; run < 3; run += 1) expect(await next()).toBe(204);
    expect(told).toHaveLength(1);
    expect(deps.lines.some(({ level, message }) => level === 'error' && message.includes('begun anew'))).toBe(true);
  });

  test('a state as it was written before periods were instants is begun anew, and goes on', async () => {
    const { next, objects, told, state } = house(['fail']);
    const before = { last_slot: 29_454_720, checks: { a: { recent: [true, true], good: 0, firing_since: null } } };
    await objects.write('probes/local/alerts.json', jsonBytes({ ...before, untold: [] }), {});
    for (let run = 0; run < 4; run += 1) expect(await next()).toBe(204);
    expect(told).toHaveLength(1);
    expect(await state()).toMatchObject({ last_period: '2026-01-01T00:04:00.000Z' });
  });

  test.each([
    ['longer', 'period_s: 60', 'period_s: 3600'],
    ['shorter', 'period_s: 60', 'period_s: 30'],
  ])('a suite whose period became %s goes on to be looked at', async (_, from, to) => {
    const { ask, clock, edit, probes } = house(['pass']);
    await ask();
    edit(from, to);
    await clock.advance(3_600_000);
    await ask();
    expect(probes.attempts.get('a')).toBe(2);
  });

  test('a request from the future runs nothing, and stands in the way of none', async () => {
    const { ask, clock, probes, metrics, next } = house(['pass']);
    expect(await ask(clock.now() + 365 * 86_400_000)).toBe(204);
    expect(probes.attempts.get('a')).toBe(undefined);
    expect(await metrics()).toContain('aurora_probe_requests_dropped_total{suite="local",reason="too_new"} 1');
    await next();
    expect(probes.attempts.get('a')).toBe(1);
  });

  test('a period that was counted by a clock far ahead is not believed', async () => {
    const { clock, objects, next, state, probes } = house(['pass']);
    await next();
    const ahead = { ...(await state()), last_period: rfc3339(clock.now() + 30 * 86_400_000) };
    await objects.write('probes/local/alerts.json', jsonBytes(ahead), {});
    await next();
    await next();
    expect(probes.attempts.get('a')).toBe(3);
    expect(await state()).toMatchObject({ last_period: '2026-01-01T00:03:00.000Z' });
  });

  test('a run that is broken off is neither on record nor counted: it comes again', async () => {
    const { askUntil, bus, probes, ask, state } = house(['hang', 'fail']);
    const gone = new AbortController();
    const asked = askUntil(gone.signal);
    await expect.poll(() => probes.attempts.get('a')).toBe(1);
    gone.abort(new Error('hung up'));
    expect(await asked).toBe(503);
    expect(bus.payloads('probe-result')).toEqual([]);
    expect(await ask()).toBe(204);
    expect(await state()).toMatchObject({ checks: { a: { recent: [true] } } });
  });

  test('what one look of two counts is told by that one alone', async () => {
    const { ask, clock, told, restart } = house(['fail']);
    for (let period = 0; period < 3; period += 1) {
      await clock.advance(PERIOD_MS);
      const first = ask();
      restart();
      await Promise.all([first, ask()]);
    }
    expect(told.map(({ state }) => state)).toEqual(['firing']);
  });

  test('an alert that the webhook never takes stands in the way of no other', async () => {
    const { next, told, bus, metrics } = house(['fail'], {
      more: ['b', 'c'],
      webhook: async ({ check_id }) => {
        if (check_id === 'a') throw new TransientError('upstream_unavailable', 'HTTP 400');
      },
    });
    for (let run = 0; run < 3; run += 1) await next();
    expect(told.map(({ check_id }) => check_id)).toEqual(['b', 'c']);
    expect(bus.distinct('alert-changed')).toHaveLength(3);
    // Nor of what is scraped.
    expect(await metrics()).toContain('aurora_probe_alerts_firing{suite="local"} 3');
  });

  test('a state that was lost begins no episode under a key that was used', async () => {
    const { next, objects, bus } = house(['fail']);
    for (let run = 0; run < 3; run += 1) await next();
    objects.corrupt('probes/local/alerts.json', new TextEncoder().encode('{"half'));
    for (let run = 0; run < 3; run += 1) await next();
    expect(bus.distinct('alert-changed')).toHaveLength(2);
  });

  test('of several suites each is asked for, and run and counted by its own period', async () => {
    const probes = probeHouse({ a: ['pass'] });
    const { clock } = probes;
    const [bus, objects] = [memoryBus(), memoryObjects()];
    const slow = probes.suite(
      suiteOf(['a']).replace('suite: local', 'suite: slow').replace('period_s: 60', 'period_s: 180'),
    );
    const app = createProbe({
      ...testDeps(clock),
      worldClock: clock,
      bus,
      objects,
      suites: [probes.suite(suiteOf(['a'])), slow],
      tools: () => probes.tools,
      webhook: null,
    });
    for (let tick = 0; tick < 6; tick += 1) {
      const before = bus.payloads('probe-requested').length;
      expect(bodyOf(await post(app, '/run'))).toEqual({ event_ids: [expect.any(String), expect.any(String)] });
      const asked = bus.payloads('probe-requested').slice(before);
      expect(asked.map(({ suite }) => suite)).toEqual(['local', 'slow']);
      for (const { suite, requested_at } of asked)
        expect(await deliver(app, probeRequested, { suite, requested_at, requested_by: 'cron' })).toBe(204);
      await clock.advance(PERIOD_MS);
    }
    expect(bus.distinct('probe-requested')).toHaveLength(12);
    const runs = bus.payloads('probe-result').map(({ suite }) => suite);
    expect(Map.groupBy(runs, (suite) => suite).get('local')).toHaveLength(6);
    expect(Map.groupBy(runs, (suite) => suite).get('slow')).toHaveLength(2);
    expect(objects.names()).toEqual(expect.arrayContaining(['probes/local/alerts.json', 'probes/slow/alerts.json']));
  });

  test('a suite that takes longer than the function has is refused', () => {
    const { edit } = house(['pass']);
    edit('deadline_s: 20', 'deadline_s: 280');
    expect(() => edit('deadline_s: 20', 'deadline_s: 281')).toThrow(
      'suite local: deadline_s: expected at most 280, for the function has 300 s for all, got 281',
    );
  });
});

describe('the webhook', () => {
  const transition = EVENT_SAMPLES['alert-changed'];

  test('of Slack says what, how bad, since when, and escapes what Slack would read', () => {
    expect(bodyOfTransition({ ...transition, summary: 'a < b & c', remedy: 'Do > this.' }, 'slack')).toEqual({
      text: ':rotating_light: critical · local · a &lt; b &amp; c\nDo &gt; this.\nsince 2026-01-01T00:00:00.000Z',
    });
    expect(bodyOfTransition(transition, 'generic')).toBe(transition);
  });

  test.each([
    [200, null],
    [500, 'HTTP 500'],
    [302, 'HTTP 302'],
  ])('an answer of %d: %s', async (status, why) => {
    const bodies: string[] = [];
    const server = createServer((request, response) => {
      request.setEncoding('utf8').on('data', (text: string) => bodies.push(text));
      request.on('end', () => response.writeHead(status, { location: '/elsewhere' }).end());
    });
    const url = await listenOnLoopback(server);
    onTestFinished(() => closeServer(server));
    const webhook = createWebhook({ url: `${url}/hook/secret-key`, format: 'generic', hostClock });
    onTestFinished(() => webhook.close());
    const telling = webhook.tell(transition, new AbortController().signal);
    if (why === null) await telling;
    else {
      const failure = await telling.then(
        () => 'taken',
        (error: unknown) => String(error),
      );
      expect(failure).toContain(why);
      expect(failure).not.toContain('secret-key');
    }
    expect(JSON.parse(bodies.join(''))).toEqual(transition);
  });
});

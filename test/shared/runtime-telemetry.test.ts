import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RejectedError } from '#shared/errors.ts';
import { createLog } from '#shared/telemetry/log.ts';
import { createMetrics } from '#shared/telemetry/metrics.ts';
import { testCases } from '#test/support/cases.ts';

function logged(options: { project?: string; level?: 'debug' | 'info' } = {}) {
  const lines: string[] = [];
  const { level = 'info', ...rest } = options;
  const log = createLog({
    level,
    destination: { write: (line) => void lines.push(line) },
    base: { service: 'aurora' },
    ...rest,
  });
  return { log, lines, last: (): Record<string, unknown> => JSON.parse(lines.at(-1) ?? 'null') };
}

test('a line has the fields that Cloud Logging reads', () => {
  const { log, lines, last } = logged();
  log.debug({}, 'below the level');
  expect(lines).toEqual([]);
  log.child({ function: 'route' }).info({ decision_id: 'd' }, 'decided');
  expect(last()).toEqual({
    severity: 'INFO',
    time: expect.stringMatching(/^\d{4}-.*Z$/),
    service: 'aurora',
    function: 'route',
    decision_id: 'd',
    message: 'decided',
  });
  log.warn({}, 'w');
  expect(last()['severity']).toBe('WARNING');
  log.error({}, 'e');
  expect(last()['severity']).toBe('ERROR');
});

test('a trace is named where the project is known', () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const { log, last } = logged({ project: 'p1' });
  log.info({ traceparent }, 'x');
  expect(last()).toMatchObject({
    'logging.googleapis.com/trace': 'projects/p1/traces/4bf92f3577b34da6a3ce929d0e0e4736',
    'logging.googleapis.com/spanId': '00f067aa0ba902b7',
    'logging.googleapis.com/trace_sampled': true,
  });
  log.info({ traceparent: 'nonsense' }, 'x');
  expect(Object.keys(last()).filter((key) => key.startsWith('logging.'))).toEqual([]);
});

test('an error is logged with code, stack and cause', () => {
  const { log, last } = logged();
  log.error({ error: new RejectedError('usage', 'outer', { cause: new TypeError('inner') }) }, 'failed');
  expect(last()['error']).toMatchObject({
    type: 'RejectedError',
    code: 'usage',
    message: 'outer',
    stack: expect.stringContaining('runtime-telemetry.test'),
    cause: { type: 'TypeError', message: 'inner' },
  });
});

test('cycles, big numbers, dates and bytes are logged, not thrown', () => {
  const { log, last } = logged();
  const cycle: Record<string, unknown> = {
    n: 1n,
    at: new Date(0),
    never: new Date(Number.NaN),
    bytes: new Uint8Array(3),
  };
  cycle['self'] = cycle;
  log.info({ cycle }, 'x');
  expect(last()['cycle']).toMatchObject({
    n: '1',
    at: '1970-01-01T00:00:00.000Z',
    never: 'invalid date',
    bytes: '[3 bytes]',
  });
});

test('law: no secret is logged, wherever it stands and however its key is written', () => {
  const key = fc.constantFrom('authorization', 'Cookie', 'TOKEN', 'api_key', 'secret', 'password');
  const path = fc.array(fc.oneof(fc.constant('list'), fc.constantFrom('a', 'b', 'headers')), { maxLength: 10 });
  fc.assert(
    fc.property(path, key, fc.boolean(), (steps, name, asChild) => {
      const { log, lines } = logged();
      let value: unknown = { [name]: { deep: 'hunter2' }, [name.toUpperCase()]: 'hunter2' };
      for (const step of steps) value = step === 'list' ? [value] : { [step]: value };
      if (asChild) log.child({ value }).info({}, 'x');
      else log.info({ value, [name]: 'hunter2' }, 'x');
      expect(lines).toHaveLength(1);
      expect(lines[0]).not.toContain('hunter2');
    }),
    { numRuns: testCases },
  );
});

test('metrics: one name is one metric, bound children add up, a tracked gauge is read when scraped', async () => {
  const metrics = createMetrics();
  const spec = { name: 'aurora_test_things_total', help: 'Things.', labels: ['kind'] } as const;
  metrics.counter(spec).with({ kind: 'a' }).add();
  metrics.counter(spec).with({ kind: 'a' }).add(2);
  let waiting = 1;
  metrics
    .gauge({ name: 'aurora_test_queue_size', help: 'Waiting.', labels: [] })
    .with({})
    .track(() => waiting);
  metrics
    .histogram({ name: 'aurora_test_wait_seconds', help: 'Wait.', labels: [], buckets: [0.1, 1] })
    .with({})
    .observe(0.5);
  waiting = 4;
  const text = await metrics.exposition();
  expect(text).toContain('aurora_test_things_total{kind="a"} 3');
  expect(text).toContain('aurora_test_queue_size 4');
  expect(text).toContain('aurora_test_wait_seconds_bucket{le="0.1"} 0');
  expect(text).toContain('aurora_test_wait_seconds_bucket{le="1"} 1');
  expect(() => metrics.gauge({ ...spec })).toThrow('is a counter, asked for a gauge');
  expect(() => metrics.counter({ ...spec, name: 'things' })).toThrow('expected aurora_<thing>_<unit>');
});

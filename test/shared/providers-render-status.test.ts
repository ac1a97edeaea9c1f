import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { timestamp } from '#shared/domain/primitives.ts';
import { labelsOf } from '#shared/providers/labels.ts';
import { isOver } from '#shared/providers/provider.ts';
import { statusOf } from '#shared/providers/render/status.ts';
import { jobAnswer, runsAnswer } from '#shared/providers/render/wire.ts';
import { testCases } from '#test/support/cases.ts';
import { AT, CREATED, http, job, run, ssh } from '#test/support/render-answers.ts';

const labels = labelsOf('0123abcd');
const seen = (
  jobMore: Readonly<Record<string, unknown>>,
  runMore: Readonly<Record<string, unknown>> | null = {},
  ran = false,
) =>
  statusOf(
    jobAnswer.parse(job(jobMore)),
    runMore === null ? null : (runsAnswer.parse({ data: [run(runMore)] }).data[0] ?? null),
    labels,
    ran,
  );

describe('a status of Render', () => {
  test('of a job that runs', () => {
    expect(seen({}, { node: { gpus: [{}, {}] }, pricing: { hourly_rate_usd: 1.38 } })).toEqual({
      instance_id: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
      request_id: 'r-1',
      state: 'running',
      blame: null,
      created_at: '2026-11-30T12:00:00.000Z',
      ready_at: null,
      ended_at: null,
      address: { host: 'proxy.example', port: 30_080, tls: true },
      gpu_count: 2,
      usd_per_hour: 1.38,
      storage_usd_per_hour: null,
      latency_ms: null,
      exposure_hours: null,
      useful_gpu_hours: null,
      billed_gpu_hours: null,
      cost_usd: null,
    });
  });

  const UP = {};
  test('whose node names a port that there is not has no address', () =>
    expect(seen({}, { node_urls: [{ hostname: 'node.example', port: 0 }] })).toMatchObject({
      state: 'running',
      address: null,
    }));

  const NEVER_UP = { node_urls: [] };
  test.each<[string, object, Record<string, unknown> | null, string, string | null]>([
    ['waits', { status: 'PENDING' }, null, 'provisioning', null],
    ['has a node', { status: 'ASSIGNED' }, { status: 'ASSIGNED', ...NEVER_UP }, 'provisioning', null],
    ['is prepared', { status: 'PREPARING' }, { status: 'PREPARING', ...NEVER_UP }, 'provisioning', null],
    ['is ahead of its run', { status: 'RUNNING' }, { status: 'PREPARING', ...NEVER_UP }, 'provisioning', null],
    ['runs, its run not known', { status: 'RUNNING' }, null, 'running', null],
    ['runs, in small letters', { status: 'running' }, null, 'running', null],
    ['is done', { status: 'COMPLETED' }, { ended_at_ms: CREATED + 9_000_000 }, 'completed', null],
    ['never ran', { status: 'FAILED' }, NEVER_UP, 'failed_to_start', 'provider'],
    [
      'never ran, of its image',
      { status: 'FAILED', status_reason: 'Failed to pull image' },
      NEVER_UP,
      'failed_to_start',
      'tenant',
    ],
    [
      'found no money',
      { status: 'FAILED', status_reason: 'insufficient credits' },
      NEVER_UP,
      'failed_to_start',
      'ours',
    ],
    ['is failing', { status: 'FAILING' }, UP, 'failed', null],
    ['exits', { status: 'FAILED', status_reason: 'Container exited with code 1' }, UP, 'failed', 'tenant'],
    ['loses its node', { status: 'FAILED', status_reason: 'Node went offline' }, UP, 'preempted', 'provider'],
    [
      'loses its node, says its run',
      { status: 'FAILED' },
      { status_reason: 'node was reclaimed' },
      'preempted',
      'provider',
    ],
    [
      'never had its node',
      { status: 'FAILED', status_reason: 'Node went offline' },
      NEVER_UP,
      'failed_to_start',
      'provider',
    ],
    ['is cut off', { status: 'FAILED', status_reason: 'heartbeat missed' }, UP, 'failed', 'network'],
    [
      'lasted longer than a start may',
      { status: 'FAILED' },
      { ...NEVER_UP, ended_at_ms: CREATED + 3_600_000 },
      'failed',
      null,
    ],
    ['is given back', { status: 'CANCELLED' }, UP, 'cancelled', 'tenant'],
    ['is being given back', { status: 'CANCELLING' }, UP, 'cancelled', 'tenant'],
    ['is stopped for money', { status: 'CANCELLED', status_reason: 'Balance exhausted' }, UP, 'cancelled', 'ours'],
    ['is called what nobody knows', { status: 'HIBERNATING' }, NEVER_UP, 'running', null],
    ['is called what nobody knows, unseen', { status: 'QUEUED' }, null, 'provisioning', null],
    ['ended under an unknown name', { status: 'SUCCEEDED' }, { ended_at_ms: CREATED + 9_000_000 }, 'exited', null],
    ['ended under an unknown name, by itself', { status: 'EXPIRED', completed_at: AT }, null, 'exited', null],
    ['is called like what JavaScript knows', { status: 'constructor' }, null, 'provisioning', null],
  ])('one that %s', (_, jobMore, runMore, state, blame) => {
    expect(seen({ ...jobMore }, runMore)).toMatchObject({ state, blame });
  });

  test('one that was seen running did run, whatever its run says now', () => {
    expect(seen({ status: 'FAILED' }, NEVER_UP, true)).toMatchObject({ state: 'failed', blame: null });
  });

  test.each([
    ['the one of our port', [ssh, http], http],
    ['the only one, unnamed', [{ ...http, description: null }], http],
    ['never that of a shell', [ssh], null],
    [
      'one that is not whole yet',
      [
        { ...http, hostname: null },
        { ...http, port: null },
        { ...http, hostname: ' ' },
      ],
      null,
    ],
    ['none', [], null],
    ['none, said otherwise', null, null],
  ])('an address: %s', (_, node_urls, expected) => {
    const address = expected === null ? null : { host: expected.hostname, port: expected.port, tls: expected.tls };
    expect(seen({}, { node_urls })).toMatchObject({ state: 'running', address });
  });

  test('an address is that of the port of the job, a number or its text, and gone with it', () => {
    const other = { description: 9_090, hostname: 'other.example', port: '1', tls: null };
    const ports = { parameters: { parameters: { ports: [9_090] } } };
    expect(seen(ports, { node_urls: [http, other] }).address).toEqual({ host: 'other.example', port: 1, tls: false });
    expect(seen({ status: 'COMPLETED' }).address).toBeNull();
  });

  test.each([
    ['an offer’s', { hardware_summary: { gpu_count: 6 }, pricing: { hourly_rate_usd: 4.14 } }, 6, 4.14],
    ['a node’s', { node: { gpus: [1, 2, 3] }, hourly_rate_usd: 0.5 }, 3, 0.5],
    ['a node’s own list', { node: { current_hardware: { gpus: [1] }, pricing: { hourly_rate_usd: 0.1 } } }, 1, 0.1],
    ['no words at all', {}, null, null],
    ['odd words', { node: { gpus: 'six', gpu_count: 0 }, pricing: { hourly_rate_usd: '4.14' } }, null, null],
  ])('what was given, in %s words', (_, more, gpu_count, usd_per_hour) => {
    expect(seen({}, more)).toMatchObject({ gpu_count, usd_per_hour });
  });

  test('times: of the run before those of the job; a date without a time is none', () => {
    const ended = { status: 'COMPLETED', completed_at: '2026-11-30T15:00:00+01:00' };
    expect(seen(ended, { ended_at_ms: CREATED + 7_200_000 }).ended_at).toBe('2026-11-30T14:00:00.000Z');
    expect(seen(ended, null).ended_at).toBe('2026-11-30T14:00:00.000Z');
    expect(seen({ created_at: '2026-11-30', status: 'RUNNING', completed_at: AT })).toMatchObject({
      created_at: null,
      ended_at: null,
    });
  });

  test('whatever can be read is a status, and an end has no address', () => {
    const word = fc.oneof(
      fc.constantFrom('RUNNING', 'FAILED', 'COMPLETED', 'CANCELLED', 'PENDING'),
      fc.string({ minLength: 1, maxLength: 20 }),
    );
    const anything = fc.jsonValue({ maxDepth: 2 });
    const anyJob = fc.record({
      status: word,
      title: fc.option(fc.string()),
      created_at: anything,
      completed_at: anything,
      parameters: anything,
    });
    const anyRun = fc.record({
      status: word,
      started_at_ms: fc.option(fc.nat()),
      ended_at_ms: fc.option(fc.double({ min: 0, max: 253_402_300_799_999, noNaN: true })),
      node: anything,
      pricing: anything,
      hardware_summary: anything,
      node_urls: fc.option(
        fc.array(
          fc.record({
            description: fc.option(fc.oneof(fc.string(), fc.nat())),
            hostname: fc.option(fc.string()),
            port: fc.option(fc.integer({ min: 1, max: 65_535 })),
          }),
          { maxLength: 3 },
        ),
      ),
    });
    fc.assert(
      fc.property(anyJob, fc.option(anyRun), fc.boolean(), (jobMore, runMore, ran) => {
        const status = seen(jobMore, runMore, ran);
        for (const at of [status.created_at, status.ended_at]) if (at !== null) expect(timestamp.parse(at)).toBe(at);
        expect(isOver(status) ? status.address : status.ended_at).toBeNull();
        if (!isOver(status)) expect(status.blame).toBeNull();
      }),
      { numRuns: testCases },
    );
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { offer as offerSchema } from '#shared/domain/offer.ts';
import { timestamp } from '#shared/domain/primitives.ts';
import { AuroraError } from '#shared/errors.ts';
import { answerOf, parsedAnswer } from '#shared/providers/answer.ts';
import type { ProviderClient } from '#shared/providers/client.ts';
import { labelsOf } from '#shared/providers/labels.ts';
import { failureOf } from '#shared/providers/refusal.ts';
import { vastBook } from '#shared/providers/vast/book.ts';
import { askFor, offersOf } from '#shared/providers/vast/offers.ts';
import { statusOf } from '#shared/providers/vast/status.ts';
import {
  createAnswer,
  doneAnswer,
  instanceAnswer,
  listAnswer,
  logsAnswer,
  searchAnswer,
  type VastInstance,
  vastRefusal,
} from '#shared/providers/vast/wire.ts';
import { errorOf } from '#test/contract/providers-world.ts';
import { testCases } from '#test/support/cases.ts';

const NOW = Date.UTC(2026, 10, 30, 12);
const AT = '2026-11-30T12:00:00.000Z';
const labels = labelsOf('0123abcd');

const ask = (more: Readonly<Record<string, unknown>> = {}) => ({
  id: 11,
  machine_id: 5,
  gpu_name: 'RTX 4090',
  num_gpus: 1,
  gpu_ram: 24_564,
  dph_base: 0.35,
  dph_total: 0.36,
  geolocation: 'Sweden, SE',
  reliability2: 0.987,
  duration: 36_000,
  rentable: true,
  rented: false,
  cpu_cores: null,
  ...more,
});
const offersFrom = (...asks: readonly unknown[]) => offersOf(searchAnswer.parse({ offers: asks }).offers, AT);

describe('offers of Vast', () => {
  test('in the words of this house', () => {
    expect(offersFrom(ask())).toEqual([
      {
        provider: 'vast',
        offer_id: 'vast:1x11',
        gpu_type: 'rtx4090',
        gpu_count: 1,
        gpu_count_min: 1,
        region: 'eu-north',
        active: true,
        usd_per_gpu_hour: 0.36,
        latency_ms: null,
        latency_source: 'advertised',
        reputation: 98.7,
        reputation_source: 'advertised',
        capacity_gpu_hours: 10,
        capacity_total_gpu_hours: null,
        observed_at: AT,
      },
    ]);
  });

  test('a machine is one offer, of the sizes that it is sold in, at the price of the dearest', () => {
    const offers = offersFrom(
      ask({ id: 14, num_gpus: 4, dph_total: 1.41, duration: 9_000 }),
      ask(),
      ask({ id: 12, num_gpus: 2, dph_total: 0.71, duration: 18_000 }),
      ask({ id: 13, num_gpus: 2, dph_total: 0.71 }),
      ask({ id: 21, machine_id: 6 }),
      ask({ id: 31, machine_id: null }),
      ask({ id: 32, machine_id: undefined }),
      ask({ id: 41, gpu_name: 'RTX 3090' }),
    );
    expect(offers.map(({ offer_id, gpu_count, usd_per_gpu_hour }) => [offer_id, gpu_count, usd_per_gpu_hour])).toEqual([
      ['vast:1x11-2x12-4x14', 4, 0.36],
      ['vast:1x21', 1, 0.36],
      ['vast:1x31', 1, 0.36],
      ['vast:1x32', 1, 0.36],
      ['vast:1x41', 1, 0.36],
    ]);
    expect(offers[0]).toMatchObject({ gpu_count_min: 1, capacity_gpu_hours: 10 });
    expect(offersFrom(ask({ num_gpus: 8 }))[0]).toMatchObject({ gpu_count: 8, gpu_count_min: 8 });
  });

  test.each([
    ['vast:1x11-2x12-4x14', 1, '11'],
    ['vast:1x11-2x12-4x14', 2, '12'],
    ['vast:1x11-2x12-4x14', 3, '14'],
    ['vast:4x14-1x11', 1, '11'],
    ['vast:1x11-2x12-4x14', 5, null],
    ['vast:11', 1, null],
    ['vast:1x11/../../users', 1, null],
    ['akash:1x11', 1, null],
    ['', 1, null],
  ])('the ask of %s for %i GPUs is %j', (id, count, expected) => expect(askFor(id, count)).toBe(expected));

  test.each([
    ['H100 SXM', 81_559, 'h100'],
    ['H100 NVL', 95_830, 'h100nvl'],
    ['H200 NVL', 143_771, 'h200'],
    ['A100 PCIE', 81_920, 'a100'],
    ['A100 SXM4', 40_960, 'a10040gb'],
    ['A100 PCIE', null, 'a100'],
    ['RTX 6000Ada', 49_140, 'rtx6000ada'],
    ['RTX A6000', 49_140, 'rtxa6000'],
    ['Tesla V100', 16_384, 'v100'],
    ['GTX 1070 Ti', 8_192, 'gtx1070ti'],
  ])('%s with %j MB is %s', (gpu_name, gpu_ram, expected) =>
    expect(offersFrom(ask({ gpu_name, gpu_ram }))[0]?.gpu_type).toBe(expected),
  );

  test.each([
    [
      { reliability2: null, duration: null, geolocation: null },
      { reputation: null, capacity_gpu_hours: null, region: 'unknown' },
    ],
    [
      { reliability2: undefined, duration: undefined, geolocation: undefined },
      { reputation: null, capacity_gpu_hours: null, region: 'unknown' },
    ],
    [{ reliability2: 1.2 }, { reputation: 100 }],
    [{ rented: true }, { active: false }],
    [{ rentable: false }, { active: false }],
    [{ rentable: null, rented: null }, { active: true }],
  ])('%j is %j', (given, expected) => expect(offersFrom(ask(given))[0]).toMatchObject(expected));
});

const instance = (more: Readonly<Record<string, unknown>> = {}): VastInstance =>
  instanceAnswer.parse({
    instances: {
      id: 77,
      label: 'aurora-0123abcd-r-1',
      actual_status: 'running',
      intended_status: 'running',
      status_msg: 'success, running nvidia/cuda',
      num_gpus: 2,
      dph_base: 0.7,
      dph_total: 0.71,
      storage_cost: 0.15,
      disk_space: 32,
      start_date: NOW / 1_000 - 7_200,
      uptime_mins: 90,
      public_ipaddr: ' 192.0.2.45 ',
      ports: { '22/udp': [{ HostPort: '1' }], '8080/tcp': [{ HostIp: '0.0.0.0', HostPort: '40268' }] },
      ...more,
    },
  }).instances as VastInstance;

describe('an instance of Vast', () => {
  test('that runs', () => {
    expect(statusOf(instance(), labels, NOW)).toEqual({
      instance_id: '77',
      request_id: 'r-1',
      state: 'running',
      blame: null,
      created_at: '2026-11-30T10:00:00.000Z',
      ready_at: '2026-11-30T10:30:00.000Z',
      ended_at: null,
      address: { host: '192.0.2.45', port: 40_268, tls: false },
      gpu_count: 2,
      usd_per_hour: 0.7,
      storage_usd_per_hour: (0.15 * 32) / 730,
      latency_ms: null,
      exposure_hours: null,
      useful_gpu_hours: null,
      billed_gpu_hours: null,
      cost_usd: null,
    });
  });

  test('whose host names no port that there is has no address', () =>
    expect(statusOf(instance({ ports: { '8080/tcp': [{ HostPort: '0' }] } }), labels, NOW)).toMatchObject({
      state: 'running',
      address: null,
    }));

  const neverRan = { uptime_mins: null, status_msg: null };
  const daemon = 'Error response from daemon: ';
  test.each([
    [{ actual_status: null, ...neverRan }, 'provisioning', null],
    [{ actual_status: 'created', ...neverRan }, 'provisioning', null],
    [{ actual_status: 'loading', ...neverRan }, 'provisioning', null],
    [
      { actual_status: 'loading', uptime_mins: null, status_msg: `${daemon}manifest unknown` },
      'failed_to_start',
      'tenant',
    ],
    [{ actual_status: 'loading', ...neverRan, intended_status: 'stopped' }, 'failed_to_start', 'provider'],
    [{ actual_status: 'running' }, 'running', null],
    [{ actual_status: 'frozen' }, 'running', null],
    [{ actual_status: 'rebooting' }, 'running', null],
    [{ actual_status: 'rebooting', ...neverRan }, 'provisioning', null],
    [{ actual_status: 'hibernating' }, 'running', null],
    [{ actual_status: 'hibernating', ...neverRan }, 'provisioning', null],
    [{ actual_status: 'exited' }, 'exited', null],
    [{ actual_status: 'exited', uptime_mins: null }, 'exited', null],
    [{ actual_status: 'exited', ...neverRan }, 'failed_to_start', 'provider'],
    [{ actual_status: 'exited', ...neverRan, uptime_mins: 0 }, 'failed_to_start', 'provider'],
    [
      { actual_status: 'exited', uptime_mins: null, status_msg: `${daemon}pull access denied for x` },
      'failed_to_start',
      'tenant',
    ],
    [
      { actual_status: 'exited', uptime_mins: null, status_msg: `${daemon}OCI runtime create failed` },
      'failed_to_start',
      'provider',
    ],
    [{ actual_status: 'stopped' }, 'preempted', 'provider'],
    [{ actual_status: 'stopped', ...neverRan }, 'failed_to_start', 'provider'],
    [{ actual_status: 'offline' }, 'preempted', 'provider'],
    [{ actual_status: 'unknown' }, 'failed', 'network'],
  ])('%j is %s, by %s', (given, state, blame) =>
    expect(statusOf(instance(given), labels, NOW)).toMatchObject({ state, blame }),
  );

  test.each([
    [{ label: 'aurora-ffffffff-r-1' }, { request_id: null }],
    [{ label: null }, { request_id: null }],
    [{ dph_base: null }, { usd_per_hour: 0.71 - (0.15 * 32) / 730 }],
    [{ dph_base: null, dph_total: null }, { usd_per_hour: null }],
    [{ storage_cost: null }, { storage_usd_per_hour: null }],
    [{ start_date: null }, { created_at: null, ready_at: '2026-11-30T10:30:00.000Z' }],
    [{ uptime_mins: 600 }, { ready_at: '2026-11-30T10:00:00.000Z' }],
    [{ uptime_mins: 0 }, { ready_at: null }],
    [{ ports: null }, { address: null }],
    [{ ports: { '8080/tcp': [] } }, { address: null }],
    [{ ports: { '8080/tcp': null } }, { address: null }],
    [{ public_ipaddr: null }, { address: null }],
    [{ actual_status: 'exited' }, { address: null, ready_at: null }],
  ])('%j is %j', (given, expected) => expect(statusOf(instance(given), labels, NOW)).toMatchObject(expected));
});

describe('answers of Vast', () => {
  const answer = (status: number, body: unknown) =>
    answerOf('vast look', status, {}, new TextEncoder().encode(JSON.stringify(body)), (text) => text);

  test.each([
    [200, { success: false, error: 'deprecated_endpoint', msg: 'x' }, 'provider_answer_invalid'],
    [410, { success: false, error: 'deprecated_endpoint', msg: 'x' }, 'provider_answer_invalid'],
    [200, { success: false, error: 'no_such_ask' }, 'offer_gone'],
    [200, { success: false, error: 'auth_error' }, 'provider_unauthorized'],
    [200, { success: false, msg: 'something else' }, 'provider_answer_invalid'],
    [400, { success: false, error: 'insufficient_credit' }, 'provider_funds'],
    [200, { success: false, error: 7 }, 'provider_answer_invalid'],
    [404, { success: false, error: 'no_such_ask' }, null],
    [200, { success: true }, null],
    [200, { instances: [] }, null],
    [200, [], null],
    [500, 'text', null],
  ])('%i %j is %s', (status, body, code) => expect(vastRefusal(answer(status, body))?.code ?? null).toBe(code));

  const schemas = { createAnswer, doneAnswer, instanceAnswer, listAnswer, logsAnswer, searchAnswer };
  const anyStatus = fc.constantFrom(200, 201, 204, 302, 400, 401, 404, 410, 429, 500);
  /** Its fields, each of them right, odd or missing. */
  const mutated = (whole: Readonly<Record<string, unknown>>) =>
    fc.record(
      Object.fromEntries(
        Object.entries(whole).map(([key, value]) => [key, fc.oneof(fc.constant(value), fc.jsonValue(), fc.double())]),
      ),
      { requiredKeys: [] },
    );
  const askLike = mutated(ask());
  const instanceLike = mutated({ ...instance(), actual_status: 'exited' });
  const anyBody = fc.oneof(
    fc.jsonValue(),
    fc.record({ offers: fc.array(askLike, { maxLength: 3 }) }),
    fc.record({ instances: fc.array(instanceLike, { maxLength: 3 }), next_token: fc.jsonValue() }),
    fc.record({ instances: instanceLike }),
  );
  const nullableNumber = z.number().nullable();
  const status = z.strictObject({
    instance_id: z.string().regex(/^\d+$/),
    request_id: z.string().nullable(),
    state: z.enum(['provisioning', 'running', 'exited', 'failed_to_start', 'preempted', 'failed']),
    blame: z.enum(['provider', 'tenant', 'network']).nullable(),
    created_at: timestamp.nullable(),
    ready_at: timestamp.nullable(),
    ended_at: z.null(),
    address: z.object({ host: z.string().min(1), port: z.int().min(1).max(65_535), tls: z.literal(false) }).nullable(),
    gpu_count: z.int().min(1).nullable(),
    usd_per_hour: nullableNumber,
    storage_usd_per_hour: nullableNumber,
    latency_ms: z.null(),
    exposure_hours: z.null(),
    useful_gpu_hours: z.null(),
    billed_gpu_hours: z.null(),
    cost_usd: z.null(),
  });

  test('any JSON is a value of this house or a coded error, to each of the parsers', () => {
    const read = (given: ReturnType<typeof answer>) => {
      const failed = vastRefusal(given) ?? failureOf(given, 'offer_gone');
      if (failed !== null) throw failed;
      return {
        offers: () => offersOf(parsedAnswer(given, searchAnswer).offers, AT).map((one) => offerSchema.parse(one)),
        list: () => parsedAnswer(given, listAnswer).instances.map((one) => status.parse(statusOf(one, labels, NOW))),
        one: () => {
          const { instances: one } = parsedAnswer(given, instanceAnswer);
          return one === null ? null : status.parse(statusOf(one, labels, NOW));
        },
        ...Object.fromEntries(
          Object.entries(schemas).map(([key, schema]) => [key, () => parsedAnswer(given, schema as z.ZodType)]),
        ),
      };
    };
    let values = 0;
    fc.assert(
      fc.property(anyStatus, anyBody, (statusCode, body) => {
        const coded = (work: () => unknown): unknown => {
          try {
            const value = work();
            values += 1;
            return value;
          } catch (error) {
            if (!(error instanceof AuroraError)) throw error;
            return null;
          }
        };
        const given = answer(statusCode, body);
        const parsers = coded(() => read(given)) as ReturnType<typeof read> | null;
        for (const parse of Object.values(parsers ?? {})) coded(parse as () => unknown);
      }),
      { numRuns: testCases },
    );
    // Or it would say nothing about values.
    expect(values).toBeGreaterThan(testCases / 20);
  });
});

describe('the book of Vast', () => {
  const context = { deadline: 1 };
  test('a list that never ends is not believed', async () => {
    let pages = 0;
    const endless = {
      async ask() {
        pages += 1;
        return { instances: [], next_token: String(pages) };
      },
    } as unknown as ProviderClient;
    expect(await errorOf(vastBook(endless).instances(context))).toMatchObject({
      code: 'provider_answer_invalid',
      message: 'vast list: expected at most 40 pages of instances, and there are more',
    });
    expect(pages).toBe(40);
  });

  test('what was destroyed, and what is unloaded, is not there, though it is still listed', async () => {
    const listed = [
      instance({ id: 1, start_date: 30 }),
      instance({ id: 2, start_date: 20 }),
      instance({ id: 3, cur_state: 'unloaded' }),
    ];
    const client = {
      ask: async () => ({ instances: listed, next_token: null }),
      askOrNull: async () => ({ success: true }),
    } as unknown as ProviderClient;
    const book = vastBook(client);
    expect((await book.instances(context)).map(({ id }) => id)).toEqual([2, 1]);
    await book.destroy('2', context);
    expect((await book.instances(context)).map(({ id }) => id)).toEqual([1]);
    expect(await book.instances(context, 'another label')).toEqual([]);
  });
});

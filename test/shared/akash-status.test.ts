import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { offer as offerSchema } from '#shared/domain/offer.ts';
import { AuroraError } from '#shared/errors.ts';
import type { Known } from '#shared/providers/akash/memory.ts';
import { offersOf } from '#shared/providers/akash/offers.ts';
import { reasonCode, statusOf, wordOf } from '#shared/providers/akash/status.ts';
import {
  akashRefusal,
  bidsAnswer,
  createAnswer,
  deploymentAnswer,
  listAnswer,
  pricesAnswer,
  providersAnswer,
} from '#shared/providers/akash/wire.ts';
import { answerOf, parsedAnswer } from '#shared/providers/answer.ts';
import { labelsOf } from '#shared/providers/labels.ts';
import { failureOf } from '#shared/providers/refusal.ts';
import { card, deploymentLike, LABEL, leaseLike, priced, seller } from '#test/support/akash-answers.ts';
import { testCases } from '#test/support/cases.ts';
import { mutated } from '#test/support/json-mutation.ts';

const AT = '2026-11-30T12:00:00.000Z';
const labels = labelsOf('0123abcd');

const remembered = (more: Partial<Known> = {}): Known => ({
  label: LABEL,
  gpuCount: 2,
  ready: false,
  address: null,
  firstSeenMs: 0,
  lookedAtMs: 0,
  unreadyAtMs: Number.NEGATIVE_INFINITY,
  unreadyAgoMs: Number.POSITIVE_INFINITY,
  closed: false,
  stage: null,
  ...more,
});
const read = (lease: unknown, state?: string) => deploymentAnswer.parse({ data: deploymentLike(lease, state) }).data;
const over = (reason: unknown, blocks = 40, more: Readonly<Record<string, unknown>> = {}) =>
  leaseLike({ state: 'closed', reason, closed_on: String(1_000 + blocks), status: null, ...more });

describe('an instance of Akash', () => {
  test('that runs', () => {
    const address = { host: 'provider.example', port: 31_234, tls: false };
    expect(statusOf(read(leaseLike()), remembered({ ready: true, address }), labels, null)).toEqual({
      instance_id: '7001',
      request_id: 'r-1',
      state: 'running',
      blame: null,
      created_at: null,
      ready_at: null,
      ended_at: null,
      address,
      gpu_count: 2,
      usd_per_hour: 0.6,
      storage_usd_per_hour: null,
      latency_ms: null,
      exposure_hours: null,
      useful_gpu_hours: null,
      billed_gpu_hours: null,
      cost_usd: null,
    });
  });

  test('that is over has its bill on the chain', () => {
    expect(statusOf(read(over(10_001, 900)), remembered({ ready: true }), labels, null)).toMatchObject({
      state: 'preempted',
      usd_per_hour: 0.6,
      billed_gpu_hours: 3,
      cost_usd: 0.9,
    });
    for (const odd of [{ closed_on: '0' }, { created_at: null }, { closed_on: '2026-11-30T12:00:00Z' }])
      expect(statusOf(read(over(10_001, 900, odd)), remembered(), labels, null)).toMatchObject({
        billed_gpu_hours: null,
        cost_usd: null,
      });
    expect(statusOf(read(over(1)), remembered({ gpuCount: null }), labels, null)).toMatchObject({
      billed_gpu_hours: null,
      cost_usd: 0.04,
    });
  });

  const ran = { ready: true };
  const LONG = 151;
  const PREPARING = { unreadyAgoMs: 60_000 };
  const LONG_AGO = { unreadyAgoMs: 600_000 };
  test.each<[string, unknown, Partial<Known>, string, string | null]>([
    ['not ready yet', leaseLike(), {}, 'provisioning', null],
    ['being taken back', leaseLike({ state: 'reclaiming' }), ran, 'running', null],
    ['in a state that nobody knows', leaseLike({ state: 'paused' }), {}, 'provisioning', null],
    ['closed from within after it ran', over(1), ran, 'exited', null],
    ['closed from within, too long after to have failed to start', over('9999', LONG), {}, 'exited', null],
    ['closed from within before it was ready', over('lease_closed_owner'), {}, 'failed_to_start', 'tenant'],
    ['ended by us', over(1), { ...ran, closed: true }, 'cancelled', 'tenant'],
    ['unstable from the start', over('10000'), {}, 'failed_to_start', 'provider'],
    ['unstable by name', over('lease_closed_reason_unstable'), {}, 'failed_to_start', 'provider'],
    ['unstable after it ran', over(10_000), ran, 'preempted', 'provider'],
    ['unstable after long', over(10_000, LONG), {}, 'preempted', 'provider'],
    [
      'unstable after long, seen preparing until a moment ago',
      over(10_000, LONG),
      PREPARING,
      'failed_to_start',
      'provider',
    ],
    ['unstable after long, seen preparing a while ago', over(10_000, LONG), LONG_AGO, 'preempted', 'provider'],
    ['without a manifest', over('lease_closed_reason_manifest_timeout'), {}, 'failed_to_start', 'provider'],
    ['decommissioned', over('lease_closed_reason_decommission'), {}, 'preempted', 'provider'],
    ['closed by the provider, who does not say why', over(19_999), {}, 'preempted', 'provider'],
    ['out of funds', over('lease_closed_reason_insufficient_funds'), {}, 'failed', 'network'],
    ['out of funds by its state', over(undefined, 40, { state: 'insufficient_funds' }), ran, 'failed', 'network'],
    ['closed for no reason', over(undefined), {}, 'failed_to_start', 'provider'],
    ['closed for no reason after it ran', over(null), ran, 'preempted', 'provider'],
    ['closed for a reason beyond all classes', over(30_000), ran, 'preempted', 'provider'],
  ])('%s', (_, lease, known, state, blame) =>
    expect(statusOf(read(lease), remembered(known), labels, null)).toMatchObject({ state, blame, address: null }),
  );

  test('whose deployment is closed for no reason was closed by its tenant', () =>
    expect(statusOf(read(over(undefined), 'closed'), remembered(ran), labels, null)).toMatchObject({
      state: 'exited',
    }));

  test('that was never leased is none', () => expect(statusOf(read(null), remembered(), labels, null)).toBeNull());

  test('of a stranger, or of nobody knows whom, is nobody’s request', () => {
    for (const label of [null, undefined, 'aurora-ffffffff-r-1'])
      expect(statusOf(read(leaseLike()), remembered({ label }), labels, null)?.request_id).toBeNull();
  });

  test.each([
    [1, 1],
    ['10000', 10_000],
    ['lease_closed_reason_insufficient_funds', 20_000],
    ['lease_closed_invalid', null],
    ['constructor', null],
    [0, null],
    ['', null],
    [1.5, null],
    [null, null],
    [undefined, null],
  ])('reason %j is %j', (reason, code) => expect(reasonCode(reason)).toBe(code));
});

describe('what a provider says of a lease', () => {
  test.each([
    ['a port that is none', { forwarded_ports: { [LABEL]: [{ host: 'provider.example', externalPort: 0 }] } }],
    ['no status', 'fine, thanks'],
  ])('that cannot be read (%s) is nothing, and the lease stays what it is', (_, status) => {
    const given = read(leaseLike({ status }));
    expect(given.leases).toMatchObject([{ state: 'active', status: null }]);
    expect(statusOf(given, remembered(), labels, null)).toMatchObject({ state: 'provisioning', request_id: 'r-1' });
  });

  const wordFrom = (status: Readonly<Record<string, unknown>>, label: string | null = LABEL) =>
    wordOf(
      read(leaseLike({ status: { services: null, forwarded_ports: null, ips: null, ...status } })).leases[0]
        ?.status as Parameters<typeof wordOf>[0],
      label,
    );
  const up = { available: 1, total: 1, uris: [] as string[] };

  test.each<[string, Readonly<Record<string, unknown>>, unknown]>([
    [
      'a port of its host',
      { services: { [LABEL]: up }, forwarded_ports: { [LABEL]: [{ host: 'h', externalPort: 5 }] } },
      { host: 'h', port: 5, tls: false },
    ],
    [
      'an address of its own',
      { services: { [LABEL]: up }, ips: { [LABEL]: [{ IP: '192.0.2.7', ExternalPort: 80 }] } },
      { host: '192.0.2.7', port: 80, tls: false },
    ],
    [
      'a name at its web server',
      { services: { [LABEL]: { ...up, uris: ['abc.ingress.example'] } } },
      { host: 'abc.ingress.example', port: 80, tls: false },
    ],
    [
      'a name with a port',
      { services: { [LABEL]: { ...up, uris: ['not a host', 'abc.example:8081'] } } },
      { host: 'abc.example', port: 8081, tls: false },
    ],
    ['nothing', { services: { [LABEL]: up }, forwarded_ports: { [LABEL]: [{ host: null, externalPort: 5 }] } }, null],
    [
      'of another service',
      { services: { [LABEL]: up }, forwarded_ports: { other: [{ host: 'h', externalPort: 5 }] } },
      null,
    ],
  ])('where it answers: %s', (_, status, address) =>
    expect(wordFrom(status)).toEqual({ services: [LABEL], ready: true, address }),
  );

  test.each<[unknown, boolean]>([
    [{ available: 0, total: 1 }, false],
    [{ available: 1, total: 2 }, false],
    [{ available: 2, total: 2 }, true],
    [{ available_replicas: 1 }, true],
    [{ available: null, available_replicas: 0 }, false],
    [{}, false],
  ])('ready: %j is %j', (service, ready) =>
    expect(wordFrom({ services: { [LABEL]: service } })).toMatchObject({ ready }),
  );

  test('nothing of a service that it does not know', () => {
    expect(wordFrom({ services: { other: up } })).toEqual({ services: ['other'], ready: false, address: null });
    expect(wordFrom({})).toEqual({ services: [], ready: false, address: null });
    expect(wordFrom({ services: { other: up } }, null)).toMatchObject({ ready: true });
  });
});

describe('answers of Akash', () => {
  const answer = (status: number, body: unknown) =>
    answerOf('akash look', status, {}, new TextEncoder().encode(JSON.stringify(body)), (text) => text);
  const said = (message: string) => ({ error: 'x', message, code: 'bad_request', type: 'client_error' });

  test.each([
    [400, said('Failed to create deployment: Insufficient funds'), 'provider_funds'],
    [400, said('Deployment closed'), 'offer_gone'],
    [400, said('Cannot create lease: The selected bid is no longer open. Please refresh.'), 'offer_gone'],
    [400, said('Invalid GPU attributes'), 'provider_refused'],
    [402, said('Insufficient balance'), 'provider_funds'],
    [401, said('Invalid API key'), 'provider_unauthorized'],
    [409, said('conflict'), 'provider_refused'],
    [429, said('Too many requests'), 'provider_rate_limited'],
    [503, said('Service temporarily unavailable'), 'provider_unavailable'],
    [503, said('Insufficient funds'), 'provider_unavailable'],
    [200, { message: 'Deployment closed' }, null],
    [400, 'Deployment closed', 'offer_gone'],
  ])('%i %j is %s', (status, body, code) =>
    expect((akashRefusal(answer(status, body)) ?? failureOf(answer(status, body)))?.code ?? null).toBe(code),
  );

  const schemas = { bidsAnswer, createAnswer, deploymentAnswer, listAnswer, pricesAnswer, providersAnswer };
  const whole = {
    list: {
      data: { deployments: [deploymentLike(leaseLike()), deploymentLike(over(1))], pagination: { hasMore: false } },
    },
    one: { data: { ...deploymentLike(leaseLike()), consoleSettings: { sdl: 'services: {}' } } },
    sellers: [seller()],
    prices: { availability: { total: 1, available: 1 }, models: [priced(card('rtx4090'))] },
    bids: { data: [] },
  };
  const anyBody = fc.oneof(fc.jsonValue(), ...Object.values(whole).map((value) => mutated(value)));
  const nullable = z.number().nullable();
  const status = z.strictObject({
    instance_id: z.string().regex(/^\d+$/),
    request_id: z.string().nullable(),
    state: z.enum(['provisioning', 'running', 'exited', 'failed_to_start', 'preempted', 'failed', 'cancelled']),
    blame: z.enum(['provider', 'tenant', 'network']).nullable(),
    created_at: z.null(),
    ready_at: z.null(),
    ended_at: z.null(),
    address: z.object({ host: z.string().min(1), port: z.int().min(1).max(65_535), tls: z.literal(false) }).nullable(),
    gpu_count: z.int().min(1).nullable(),
    usd_per_hour: nullable,
    storage_usd_per_hour: z.null(),
    latency_ms: z.null(),
    exposure_hours: z.null(),
    useful_gpu_hours: z.null(),
    billed_gpu_hours: nullable,
    cost_usd: nullable,
  });

  test('any JSON is a value of this house or a coded error, to each of the parsers', () => {
    const models = pricesAnswer.parse(whole.prices).models;
    const sellers = providersAnswer.parse(whole.sellers);
    let values = 0;
    const coded = (work: () => unknown): void => {
      try {
        work();
        values += 1;
      } catch (error) {
        if (!(error instanceof AuroraError)) throw error;
      }
    };
    fc.assert(
      fc.property(fc.constantFrom(200, 201, 204, 302, 400, 401, 404, 429, 500), anyBody, (statusCode, body) => {
        const given = answer(statusCode, body);
        const failed = akashRefusal(given) ?? failureOf(given, 'offer_gone');
        if (failed !== null) return;
        for (const schema of Object.values(schemas)) coded(() => parsedAnswer(given, schema as z.ZodType));
        coded(() => offersOf(parsedAnswer(given, providersAnswer), models, AT).map((one) => offerSchema.parse(one)));
        coded(() =>
          offersOf(sellers, parsedAnswer(given, pricesAnswer).models, AT).map((one) => offerSchema.parse(one)),
        );
        coded(() =>
          parsedAnswer(given, listAnswer).data.deployments.map((one) =>
            status.nullable().parse(statusOf(one, remembered(), labels, 3)),
          ),
        );
        coded(() => {
          const { data } = parsedAnswer(given, deploymentAnswer);
          for (const lease of data.leases) if (lease.status != null) wordOf(lease.status, LABEL);
        });
      }),
      { numRuns: testCases },
    );
    // Or it would say nothing about values.
    expect(values).toBeGreaterThan(testCases / 5);
  });
});

import { afterEach, describe, expect, test } from 'vitest';
import type { RouteAnswer } from '#functions/route/answer.ts';
import { MAX_WAITING_DEPLOYMENTS, OFFERS_STALE_LIMIT_MS, POLL_INTERVAL_MS, WAITING_POLL_MS } from '#shared/defaults.ts';
import { type Control, defaultControl } from '#shared/domain/control.ts';
import { decisionId } from '#shared/domain/ids.ts';
import type { ErrorBody } from '#shared/errors.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { CONTROL_OBJECT } from '#shared/serving/control.ts';
import { anOffer } from '#test/support/offers.ts';
import { bodyOf, post } from '#test/support/push.ts';
import { aRouteRequest, FIVE_OFFERS, NOW, routeHouse } from '#test/support/route-house.ts';

let house = routeHouse();
afterEach(async () => {
  await house.close();
  expect(house.clock.pending()).toBe(0);
  house = routeHouse();
});

const intentOf = async (requestId: string): Promise<{ open: unknown } | undefined> =>
  (await house.state.get(`intents/${decisionId('default', requestId)}`))?.value as { open: unknown } | undefined;

describe('one request', () => {
  test('is answered with the decision that its two events record', async () => {
    const generation = await house.offer(FIVE_OFFERS);
    const response = await post(await house.app(), '/route', aRouteRequest());
    const answer = bodyOf<RouteAnswer>(response);
    const [decision] = house.bus.payloads('routing-decision');
    const [deployment] = house.bus.payloads('deployment-requested');

    expect(response.status).toBe(200);
    expect(answer).toMatchObject({
      status: 'provisioning',
      request_id: 'r1',
      decision_id: decisionId('default', 'r1'),
      deployment_id: decisionId('default', 'r1'),
      provider: decision?.final_provider,
      offer_id: decision?.final_offer_id,
      propensity: decision?.propensity,
      mode: 'rules',
      reason: null,
      excluded: [],
    });
    expect(decision).toMatchObject({
      tenant_id: 'default',
      offers_generation: generation,
      decided_at: '2026-01-01T09:00:00.000Z',
      request: { gpu_type: 'rtx4090', priority: 'normal' },
    });
    expect(deployment).toMatchObject({
      decision_id: decision?.decision_id,
      attempt: 0,
      propensity: decision?.propensity,
      option: { offer_id: decision?.final_offer_id, advertised_usd_per_gpu_hour: expect.any(Number) },
    });
    expect(answer.price_usd_per_hour).toBe(2 * (deployment?.option.advertised_usd_per_gpu_hour ?? 0));
  });

  test('without an id gets a new one each time', async () => {
    await house.offer(FIVE_OFFERS);
    const app = await house.app();
    const { request_id: _, ...anonymous } = aRouteRequest();
    const [first, second] = [await post(app, '/route', anonymous), await post(app, '/route', anonymous)];
    expect(bodyOf(first)['request_id']).toBe('generated-1');
    expect(bodyOf(second)['request_id']).toBe('generated-2');
    expect(house.bus.distinct('routing-decision')).toHaveLength(2);
  });

  test('measures its stages on a clock that cannot run backwards', async () => {
    await house.offer(FIVE_OFFERS);
    let watch = 0;
    house.deps = { ...house.deps, metrics: { ...house.deps.metrics, stopwatchMs: () => (watch += 1.5) } };
    await post(await house.app(), '/route', aRouteRequest());
    expect(house.bus.payloads('routing-decision')[0]).toMatchObject({ score_ms: 1.5, decide_ms: 1.5 });
  });
});

describe('the same request again', () => {
  test('after a restart and on other offers: the same answer, no further event', async () => {
    await house.offer(FIVE_OFFERS);
    const first = await post(await house.app(), '/route', aRouteRequest());
    await house.close();
    await house.offer([anOffer({ offer_id: 'vast:other' })]);
    const again = await post(await house.app(), '/route', aRouteRequest());
    expect([again.status, again.body]).toEqual([first.status, first.body]);
    expect(house.bus.published).toHaveLength(2);
  });

  test('at the same time, over two instances: one intent, one answer, events that dedupe', async () => {
    await house.offer(FIVE_OFFERS);
    const apps = [await house.app(), await house.app()];
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, i) => post(apps[i % 2] as FunctionApp, '/route', aRouteRequest())),
    );
    expect(new Set(answers.map(({ status, body }) => `${status} ${String(body)}`)).size).toBe(1);
    expect(house.bus.distinct('routing-decision')).toHaveLength(1);
    expect(house.bus.distinct('deployment-requested')).toHaveLength(1);
    expect(await house.state.list('intents/')).toHaveLength(1);
    const repeated = house.deps.lines.filter((line) => line.fields['repeated'] === false);
    expect(repeated).toHaveLength(1);
  });

  test('spelt in other words it is the same; asking for something else is a conflict', async () => {
    await house.offer(FIVE_OFFERS);
    const app = await house.app();
    const first = await post(app, '/route', aRouteRequest());
    const respelt = await post(app, '/route', aRouteRequest({ gpu_type: '4090', priority: 'normal' }));
    expect(respelt.body).toBe(first.body);
    const other = await post(app, '/route', aRouteRequest({ gpu_hours: 9 }));
    expect(other.status).toBe(409);
    expect(bodyOf<ErrorBody>(other).error).toMatchObject({
      code: 'request_conflict',
      message: 'request_id "r1" was used for a different request',
    });
    expect(house.bus.published).toHaveLength(2);
  });

  test('of another tenant is another request', async () => {
    await house.offer(FIVE_OFFERS);
    const app = await house.app();
    const mine = bodyOf(await post(app, '/route', aRouteRequest()));
    const theirs = bodyOf(await post(app, '/route', aRouteRequest({ tenant_id: 'them', gpu_hours: 9 })));
    expect(theirs['decision_id']).not.toBe(mine['decision_id']);
  });
});

describe('a failure on the way', () => {
  test.each(['routing-decisions', 'deployments-requested'])(
    'publishing to %s fails once: 503, and the retry publishes the same events and answers from the intent',
    async (topic) => {
      await house.offer(FIVE_OFFERS);
      house.bus.failNext(1, topic);
      const failed = await post(await house.app(), '/route', aRouteRequest());
      expect([failed.status, bodyOf<ErrorBody>(failed).error.code]).toEqual([503, 'bus_unavailable']);
      const intent = await intentOf('r1');
      expect(intent?.open).not.toBeNull();

      await house.offer([anOffer({ offer_id: 'vast:other' })]);
      const retried = await post(await house.app(), '/route', aRouteRequest());
      expect(retried.status).toBe(200);
      expect(bodyOf(retried)['offer_id']).toMatch(/^(vast|akash):\d$/);
      expect(house.bus.distinct('routing-decision')).toHaveLength(1);
      expect(house.bus.distinct('deployment-requested')).toHaveLength(1);
      await house.close();
      expect(await intentOf('r1')).toMatchObject({ open: null });
      // Hundreds of thousands of them are kept (INTENT_TTL_MS).
      expect(JSON.stringify(await intentOf('r1')).length).toBeLessThan(400);
    },
  );

  test('killed at any step, the retry ends in one decision, one deployment, one answer', async () => {
    for (const when of ['before', 'after'] as const) {
      let deaths = 0;
      for (let step = 1, died = true; died; step++) {
        const request = aRouteRequest({ request_id: `${when}-${step}` });
        await house.offer(FIVE_OFFERS);
        house.deaths.killAt(step, when);
        const first = await post(await house.app(), '/route', request);
        await house.close();
        died = house.deaths.revive();
        deaths += died ? 1 : 0;
        await house.offer([anOffer({ offer_id: 'vast:other' })]);
        const before = house.bus.published.length;
        const retried = await post(await house.app(), '/route', request);
        await house.close();
        expect(retried.status).toBe(200);
        if (first.status === 200) expect(retried.body).toBe(first.body);
        const id = decisionId('default', request.request_id ?? '');
        const decisions = house.bus.payloads('routing-decision').filter((one) => one.decision_id === id);
        const deployments = house.bus.payloads('deployment-requested').filter((one) => one.decision_id === id);
        // Repetitions are the same word for word, so whichever copy is kept says the same.
        expect(new Set(decisions.map((one) => JSON.stringify(one))).size).toBe(1);
        expect(new Set(deployments.map((one) => JSON.stringify(one))).size).toBe(1);
        expect(await intentOf(request.request_id ?? '')).toMatchObject({ open: null });
        if (!died) expect(house.bus.published.length).toBe(before);
      }
      // Look at the reports of deploy, look for the intent, create it, two events, settle it.
      expect(deaths).toBe(6);
    }
  });
});

describe('what it needs', () => {
  test('no offers yet: 503, not ready; then ready by the poll', async () => {
    const app = await house.app();
    const refused = await post(app, '/route', aRouteRequest());
    expect([refused.status, bodyOf<ErrorBody>(refused).error.code]).toEqual([503, 'offers_unavailable']);
    await house.offer(FIVE_OFFERS);
    await house.clock.advance(2_000);
    expect((await post(app, '/route', aRouteRequest())).status).toBe(200);
  });

  test('offers past their limit are not acted on; at the limit they are', async () => {
    await house.offer(FIVE_OFFERS, NOW - OFFERS_STALE_LIMIT_MS);
    const app = await house.app();
    expect((await post(app, '/route', aRouteRequest())).status).toBe(200);
    await house.clock.advance(1);
    const refused = await post(app, '/route', aRouteRequest({ request_id: 'r2' }));
    expect([refused.status, bodyOf<ErrorBody>(refused).error.code]).toEqual([503, 'offers_unavailable']);
    expect(bodyOf<ErrorBody>(refused).error.message).toContain('2026-01-01T08:30:00.000Z, past the limit of 1800 s');
    expect(await intentOf('r2')).toBeUndefined();
  });

  test('a corrupt snapshot changes nothing: the last valid one serves on', async () => {
    await house.offer(FIVE_OFFERS);
    const app = await house.app();
    await house.objects.write('offers/current.json', new TextEncoder().encode('{"observed_at":'), {});
    await house.clock.advance(2_000);
    expect((await post(app, '/route', aRouteRequest())).status).toBe(200);
    expect(house.deps.lines.filter((line) => line.message.includes('last valid value stays'))).toHaveLength(1);
  });
});

describe('nothing eligible', () => {
  const dear = FIVE_OFFERS.map((offer) => ({ ...offer, usd_per_gpu_hour: 10 }));

  test('503 no_capacity with the nearest misses and its code; the refusal is on record; nothing is deployed', async () => {
    const generation = await house.offer(dear);
    const response = await post(await house.app(), '/route', aRouteRequest({ max_price: 1 }));
    const answer = bodyOf<RouteAnswer & ErrorBody>(response);
    expect(response.status).toBe(503);
    expect(answer).toMatchObject({
      status: 'no_capacity',
      provider: null,
      deployment_id: null,
      propensity: null,
      reason: 'none of 5 offers is eligible; nearest: price (max_price >= 10)',
      error: { code: 'no_eligible_offer' },
    });
    expect(answer.excluded).toHaveLength(5);
    expect(house.bus.payloads('routing-decision')).toMatchObject([
      { candidates: [], final_offer_id: null, propensity: null, excluded_total: 5, offers_generation: generation },
    ]);
    expect(house.bus.payloads('deployment-requested')).toEqual([]);
  });

  test('the same request may succeed on later offers, and its refusals stay apart', async () => {
    await house.offer(dear);
    const app = await house.app();
    const request = aRouteRequest({ max_price: 1 });
    await post(app, '/route', request);
    await post(app, '/route', request);
    await house.offer(FIVE_OFFERS);
    await house.clock.advance(2_000);
    const answered = await post(app, '/route', request);
    expect(answered.status).toBe(200);
    expect(house.bus.distinct('routing-decision')).toHaveLength(2);
    expect(house.bus.distinct('deployment-requested')).toHaveLength(1);
  });

  test("no request can take the id of another's refusal", async () => {
    await house.offer(dear);
    const app = await house.app();
    const refused = bodyOf<RouteAnswer>(await post(app, '/route', aRouteRequest({ max_price: 1 })));
    const spoofed = await post(app, '/route', aRouteRequest({ request_id: 'r1\u0000refused@1' }));
    expect([spoofed.status, bodyOf<ErrorBody>(spoofed).error.code]).toEqual([400, 'body_invalid']);
    const near = bodyOf<RouteAnswer>(await post(app, '/route', aRouteRequest({ request_id: 'r1#refused@1' })));
    expect(near.decision_id).not.toBe(refused.decision_id);
  });
});

describe('scores that do not come', () => {
  test('the rules decide and say why; it is no error', async () => {
    await house.offer(FIVE_OFFERS);
    house.scores = { answer: null, reason: 'deadline_exceeded' };
    const response = await post(await house.app(), '/route', aRouteRequest());
    expect([response.status, bodyOf<RouteAnswer>(response).fallback_reason]).toEqual([200, 'deadline_exceeded']);
    expect(house.bus.payloads('routing-decision')[0]).toMatchObject({
      mode: 'rules',
      model_version: null,
      fallback_reason: 'deadline_exceeded',
    });
  });

  test('score is asked for the same request under the same id, as the caller gave it', async () => {
    await house.offer(FIVE_OFFERS);
    const { request_id: _, ...anonymous } = aRouteRequest();
    await post(await house.app(), '/route', anonymous);
    expect(house.scored).toEqual([{ ...anonymous, request_id: 'generated-1' }]);
  });
});

describe('the control object', () => {
  const told = async (changes: Partial<Control>): Promise<void> => {
    const bytes = new TextEncoder().encode(JSON.stringify({ ...defaultControl('auto'), ...changes }));
    await house.objects.write(CONTROL_OBJECT, bytes, {});
    await house.clock.advance(POLL_INTERVAL_MS);
  };
  const decidedBy = async (app: FunctionApp, id: string) => {
    await post(app, '/route', aRouteRequest({ request_id: id }));
    return house.bus.payloads('routing-decision').at(-1);
  };

  test('holds for the rules that route decides by itself, within one poll; what cannot be read changes nothing', async () => {
    await house.offer(FIVE_OFFERS);
    const app = await house.app();
    const decided = (id: string) => decidedBy(app, id);
    expect(await decided('r1')).toMatchObject({ policy: { kind: 'epsilon_softened' } });
    const from = new Date(NOW).toISOString();
    const until = new Date(NOW + 3 * POLL_INTERVAL_MS).toISOString();
    await told({ incidents: [{ id: 'i1', reason: 'r', by: 'ann', from, until }] });
    expect(await decided('r2')).toMatchObject({ policy: { kind: 'greedy' }, propensity: 1 });
    await house.objects.write(CONTROL_OBJECT, new TextEncoder().encode('{}'), {});
    await house.clock.advance(POLL_INTERVAL_MS);
    expect(await decided('r3')).toMatchObject({ policy: { kind: 'greedy' } });
    await house.clock.advance(POLL_INTERVAL_MS);
    expect(await decided('r4')).toMatchObject({ policy: { kind: 'epsilon_softened' } });
  });

  test('decisions are counted by arm', async () => {
    await house.offer(FIVE_OFFERS);
    const app = await house.app();
    await decidedBy(app, 'r1');
    await told({ stage: 'online', share: 0.5 });
    await decidedBy(app, 'r2');
    const text = await house.deps.metrics.exposition();
    expect(text).toContain('aurora_ai_arm_decisions_total{arm="none"} 1');
    expect(text).toContain('aurora_ai_arm_decisions_total{arm="rules"} 1');
  });
});

describe('a long queue of deployments', () => {
  test('refuses new requests before anything is decided, answers known ones, and ends with the queue', async () => {
    await house.offer(FIVE_OFFERS);
    const app = await house.app();
    const before = await post(app, '/route', aRouteRequest());
    house.waiting = MAX_WAITING_DEPLOYMENTS;
    await house.clock.advance(WAITING_POLL_MS);

    const refused = await post(app, '/route', aRouteRequest({ request_id: 'r2' }));
    expect([refused.status, refused.headers?.['retry-after'], bodyOf<ErrorBody>(refused).error.code]).toEqual([
      503,
      '1',
      'overloaded',
    ]);
    expect(await intentOf('r2')).toBeUndefined();
    expect(house.bus.payloads('routing-decision')).toHaveLength(1);
    expect(bodyOf(await post(app, '/route', aRouteRequest()))).toEqual(bodyOf(before));

    house.waiting = 0;
    await house.clock.advance(WAITING_POLL_MS);
    expect((await post(app, '/route', aRouteRequest({ request_id: 'r2' }))).status).toBe(200);
  });

  test('is not asked about where the bus cannot tell', async () => {
    house.waiting = null;
    await house.offer(FIVE_OFFERS);
    expect((await post(await house.app(), '/route', aRouteRequest())).status).toBe(200);
  });
});

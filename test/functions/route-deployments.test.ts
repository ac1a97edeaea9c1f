/** What a tenant can see and end of its deployments. */
import { afterEach, describe, expect, test } from 'vitest';
import { type DeploymentView, deploymentView } from '#functions/route/deployments/view.ts';
import { intentKey } from '#functions/route/intent.ts';
import {
  type DeploymentRecord,
  deploymentKey,
  deploymentRecord,
  endedOf,
  liveKey,
  type OpenDeployment,
} from '#shared/domain/deployment.ts';
import type { DeploymentRequest } from '#shared/domain/events/catalogue.ts';
import { decisionId } from '#shared/domain/ids.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { type ErrorBody, RejectedError } from '#shared/errors.ts';
import { isStream } from '#shared/runtime/stream.ts';
import type { FunctionApp, FunctionResponse } from '#shared/runtime/types.ts';
import { EVENT_SAMPLES } from '#test/support/events.ts';
import { memoryProvider, unavailable } from '#test/support/memory-provider.ts';
import { bodyOf, post } from '#test/support/push.ts';
import { aRouteRequest, FIVE_OFFERS, NOW, routeHouse } from '#test/support/route-house.ts';
import { aRequest } from '#test/support/runtime.ts';
import { aTenant, keyOf } from '#test/support/tenants.ts';

let house = routeHouse();
afterEach(async () => {
  await house.close();
  expect(house.clock.pending()).toBe(0);
  house = routeHouse();
});

const ask = async (app: FunctionApp, method: string, path: string, tenant = 'ann'): Promise<FunctionResponse> => {
  const [bare = '', query = ''] = path.split('?');
  return app.handle(
    aRequest({ method, path: bare, query: new URLSearchParams(query), headers: { 'x-api-key': keyOf(tenant) } }),
  );
};
const ID = decisionId('ann', 'r1');
const requestOf = (requestId = 'r1', tenantId = 'ann'): DeploymentRequest => {
  const sample = EVENT_SAMPLES['deployment-requested'];
  return {
    ...sample,
    decision_id: decisionId(tenantId, requestId),
    request_id: requestId,
    tenant_id: tenantId,
    option: { ...sample.option, provider: 'vast', offer_id: 'vast:0' },
    fallbacks: [{ ...sample.option, provider: 'akash', offer_id: 'akash:1' }],
  };
};
const open = (changes: Partial<OpenDeployment> = {}): OpenDeployment => {
  const record = deploymentRecord.parse({
    state: 'live',
    attempt: 0,
    request: requestOf(),
    instance_id: 'i-1',
    claimed_at: rfc3339(NOW),
    ready_published: false,
    ...changes,
  });
  if (record.state === 'ended' || record.state === 'cancelled') throw new Error('expected an open one');
  return record;
};
const ENDING: OpenDeployment['ending'] = {
  status: 'preempted',
  observed_at: rfc3339(NOW + 9),
  blame: 'provider',
  ready_ms: null,
  latency_ms: null,
  exposure_hours: 1,
  useful_gpu_hours: 0,
  billed_gpu_hours: 0,
  cost_usd: 0,
  effective_usd_per_gpu_hour: null,
};
const ended = (): DeploymentRecord => endedOf(open(), { status: 'completed', observed_at: rfc3339(NOW + 5) });
const put = async (record: DeploymentRecord, id = ID): Promise<void> => {
  await house.state.create(deploymentKey(id), record);
  if (record.state === 'live') await house.state.create(liveKey(id), { decision_id: id });
};
const recordOf = async (id = ID): Promise<DeploymentRecord> =>
  deploymentRecord.parse((await house.state.get(deploymentKey(id)))?.value);
const expectUnknown = (answer: FunctionResponse): void =>
  expect([answer.status, bodyOf<ErrorBody>(answer).error.code]).toEqual([404, 'deployment_unknown']);

/** An instance of route for two tenants, that has decided r1 for ann. */
async function decided(): Promise<FunctionApp> {
  house.tenants = [aTenant('ann'), aTenant('bob')];
  await house.offer(FIVE_OFFERS);
  const app = await house.app();
  const body = JSON.stringify(aRouteRequest());
  await app.handle(aRequest({ method: 'POST', path: '/route', headers: { 'x-api-key': keyOf('ann') }, body }));
  return app;
}

describe('GET /deployments/:id', () => {
  const get = async (app: FunctionApp): Promise<DeploymentView> => {
    const answer = await ask(app, 'GET', `/deployments/${ID}`);
    expect(answer.status).toBe(200);
    return deploymentView.parse(bodyOf(answer));
  };

  test('between the answer of route and deploy it is provisioning', async () => {
    const view = await get(await decided());
    expect(view).toMatchObject({
      deployment_id: ID,
      decision_id: ID,
      request_id: 'r1',
      status: 'provisioning',
      provider: 'vast',
      offer_id: 'vast:0',
      attempt: 0,
      instance_id: null,
    });
  });

  test.each<[string, () => DeploymentRecord, Partial<DeploymentView>]>([
    [
      'claimed by deploy',
      () => open({ state: 'deploying', instance_id: null }),
      { status: 'provisioning', fallbacks_left: 1 },
    ],
    [
      'on its way to the next offer',
      () => open({ state: 'gone', attempt: 1, instance_id: null }),
      { status: 'provisioning', attempt: 1 },
    ],
    ['live, not looked at yet', () => open(), { status: 'provisioning', instance_id: 'i-1', created_at: rfc3339(NOW) }],
    [
      'running, given up',
      () =>
        open({
          ready_at: rfc3339(NOW + 1),
          cancel_requested_at: rfc3339(NOW + 2),
          seen: {
            at: rfc3339(NOW + 2),
            state: 'running',
            address: { host: 'h.example', port: 80, tls: false },
            gpu_count: 2,
            usd_per_hour: 0.6,
            storage_usd_per_hour: null,
            latency_ms: 12,
          },
        }),
      {
        status: 'running',
        address: { host: 'h.example', port: 80, tls: false },
        ready_at: rfc3339(NOW + 1),
        usd_per_hour: 0.6,
        latency_ms: 12,
        cancel_requested_at: rfc3339(NOW + 2),
      },
    ],
    [
      'over, and not forgotten yet',
      () => open({ ending: ENDING }),
      { status: 'preempted', ended_at: rfc3339(NOW + 9), instance_id: 'i-1' },
    ],
    [
      'given up before deploy had it',
      () => ({ state: 'cancelled', cancelled_at: rfc3339(NOW + 1) }),
      { status: 'cancelled', request_id: 'r1', cancel_requested_at: rfc3339(NOW + 1) },
    ],
    [
      'over',
      ended,
      { status: 'completed', provider: 'vast', offer_id: 'vast:0', instance_id: 'i-1', ended_at: rfc3339(NOW + 5) },
    ],
    [
      'over, as a former build wrote it',
      () => deploymentRecord.parse({ state: 'ended', attempt: 0, instance_id: null }),
      { status: 'ended', request_id: 'r1', provider: 'vast' },
    ],
  ])('%s', async (_, record, expected) => {
    const app = await decided();
    await put(record());
    expect(await get(app)).toMatchObject(expected);
  });

  test('is still its tenant’s when the intent is forgotten', async () => {
    house.tenants = [aTenant('ann'), aTenant('bob')];
    const app = await house.app();
    await put(ended());
    expect(await get(app)).toMatchObject({ request_id: 'r1', status: 'completed' });
    expectUnknown(await ask(app, 'GET', `/deployments/${ID}`, 'bob'));
  });

  test('is nobody else’s, at any door, in any state', async () => {
    const app = await decided();
    const states = [
      null,
      open({ state: 'deploying' }),
      open(),
      { state: 'cancelled', cancelled_at: rfc3339(NOW) },
      ended(),
    ];
    for (const record of states as (DeploymentRecord | null)[]) {
      const entry = await house.state.get(deploymentKey(ID));
      if (entry !== null) await house.state.remove(entry.key, entry.version);
      if (record !== null) await put(record);
      for (const [method, path] of [
        ['GET', ''],
        ['DELETE', ''],
        ['GET', '/logs'],
      ] as const)
        expectUnknown(await ask(app, method, `/deployments/${ID}${path}`, 'bob'));
      if (record !== null) expect(await recordOf()).toEqual(record);
    }
  });

  test('of an id that is none, or of nobody, is unknown', async () => {
    const app = await decided();
    for (const id of ['x', `${ID}x`, 'f'.repeat(32), '__proto__', 'a'.repeat(5_000)])
      expectUnknown(await ask(app, 'GET', `/deployments/${id}`));
  });

  test('where nobody is asked who he is, all are everybody’s', async () => {
    await house.offer(FIVE_OFFERS);
    const app = await house.app();
    const { decision_id: id } = bodyOf<{ decision_id: string }>(await post(app, '/route', aRouteRequest()));
    expect((await ask(app, 'GET', `/deployments/${id}`)).status).toBe(200);
  });

  test('that cannot be read is our fault', async () => {
    const app = await decided();
    await house.state.create(deploymentKey(ID), { state: 'live' });
    expect((await ask(app, 'GET', `/deployments/${ID}`)).status).toBe(500);
  });
});

describe('GET /deployments', () => {
  interface Listed {
    readonly deployments: readonly DeploymentView[];
    readonly next: string | null;
  }
  const list = async (app: FunctionApp, query = '', tenant = 'ann'): Promise<Listed> =>
    bodyOf<Listed>(await ask(app, 'GET', `/deployments?${query}`, tenant));

  test('one that cannot be read hides none of the others', async () => {
    house.tenants = [aTenant('ann'), aTenant('bob')];
    const app = await house.app();
    const [broken, unreadable] = [decisionId('bob', 'r2'), decisionId('ann', 'r3')];
    await put(open());
    await house.state.create(deploymentKey(broken), { state: 'dancing' });
    await house.state.create(intentKey(unreadable), { answer: 'none' });
    for (const id of [broken, unreadable]) await house.state.create(liveKey(id), { decision_id: id });
    expect((await list(app)).deployments.map(({ deployment_id: id }) => id)).toEqual([ID]);
    const told = house.deps.lines.filter(({ level }) => level === 'error').map(({ fields }) => fields['decision_id']);
    expect(told.toSorted()).toEqual([broken, unreadable].toSorted());
  });

  test('gives the tenant’s own that live, page by page, each once', async () => {
    house.tenants = [aTenant('ann'), aTenant('bob')];
    const app = await house.app();
    const own = new Set<string>();
    for (let i = 0; i < 300; i++) {
      const tenant = i % 3 === 0 ? 'ann' : 'bob';
      const request = requestOf(`r${i}`, tenant);
      if (tenant === 'ann') own.add(request.decision_id);
      await put(open({ request }), request.decision_id);
    }
    // Not live.
    await put(ended(), ID);
    const seen: string[] = [];
    let pages = 0;
    for (let next: string | null = ''; next !== null; pages++) {
      const answer: Listed = await list(app, `limit=7${next === '' ? '' : `&after=${next}`}`);
      expect(answer.deployments.length).toBeLessThanOrEqual(7);
      seen.push(...answer.deployments.map(({ deployment_id: id }) => id));
      next = answer.next;
    }
    expect(seen).toEqual([...own].sort());
    expect(pages).toBeLessThanOrEqual(Math.ceil(100 / 7) + 2);
    expect((await list(app, 'limit=256')).deployments.length).toBeGreaterThan(80);
  });

  test.each(['limit=0', 'limit=257', 'limit=x', 'after=x'])('refuses %s', async (query) => {
    const answer = await ask(await decided(), 'GET', `/deployments?${query}`);
    expect([answer.status, bodyOf<ErrorBody>(answer).error.code]).toEqual([400, 'body_invalid']);
  });
});

describe('DELETE /deployments/:id', () => {
  const end = async (app: FunctionApp): Promise<[number, unknown]> => {
    const answer = await ask(app, 'DELETE', `/deployments/${ID}`);
    return [answer.status, bodyOf(answer)['status']];
  };

  test('before deploy has it: it will never be made', async () => {
    const app = await decided();
    expect(await end(app)).toEqual([202, 'cancelling']);
    expect(await recordOf()).toEqual({ state: 'cancelled', cancelled_at: rfc3339(NOW) });
    expect(await end(app)).toEqual([200, 'cancelled']);
  });

  test.each(['deploying', 'gone'] as const)('while it is %s: whoever holds it next is told', async (state) => {
    const app = await decided();
    await put(open({ state, instance_id: null }));
    expect(await end(app)).toEqual([202, 'cancelling']);
    expect(await recordOf()).toEqual(open({ state, instance_id: null, cancel_requested_at: rfc3339(NOW) }));
    await house.clock.advance(5);
    expect(await end(app)).toEqual([202, 'cancelling']);
    expect(await recordOf()).toMatchObject({ cancel_requested_at: rfc3339(NOW) });
  });

  test('while it lives: durable first, then its provider is told at once', async () => {
    const vast = memoryProvider('vast');
    house.providers = [memoryProvider('akash'), vast];
    const app = await decided();
    await put(open());
    const { terminate } = vast;
    vast.terminate = async (instanceId, context) => {
      expect(await recordOf()).toMatchObject({ cancel_requested_at: rfc3339(NOW) });
      expect(context.deadline).toBe(house.clock.now() + 2_000);
      return terminate(instanceId, context);
    };
    expect(await end(app)).toEqual([202, 'cancelling']);
    expect(vast.terminated).toEqual(['i-1']);
  });

  test.each<[string, () => readonly ReturnType<typeof memoryProvider>[]]>([
    [
      'cannot be reached',
      () => [Object.assign(memoryProvider('vast'), { terminate: () => Promise.reject(unavailable()) })],
    ],
    ['has no adapter here', () => []],
  ])('a provider that %s costs time only', async (_, providers) => {
    house.providers = providers();
    const app = await decided();
    await put(open());
    expect(await end(app)).toEqual([202, 'cancelling']);
    expect(await recordOf()).toMatchObject({ state: 'live', cancel_requested_at: rfc3339(NOW) });
  });

  test('over, and not forgotten yet: nothing changes', async () => {
    const app = await decided();
    await put(open({ ending: ENDING }));
    expect(await end(app)).toEqual([200, 'preempted']);
    expect(await recordOf()).toEqual(open({ ending: ENDING }));
  });

  test('over: nothing changes', async () => {
    const app = await decided();
    await put(ended());
    for (let i = 0; i < 2; i++) expect(await end(app)).toEqual([200, 'completed']);
    expect(await recordOf()).toEqual(ended());
  });

  test('taken by deploy, or ended by watch, in between: said of what it is then', async () => {
    for (const [meanwhile, expected] of [
      [() => put(open()), [202, 'cancelling']],
      [() => put(ended()), [200, 'completed']],
    ] as const) {
      const app = await decided();
      const { create } = house.state;
      house.state.create = async (key, ...rest) => {
        house.state.create = create;
        await meanwhile();
        return create(key, ...rest);
      };
      expect(await end(app)).toEqual(expected);
      await house.close();
      house = routeHouse();
    }
  });

  test('changed by others all the while: 503, and it can be asked again', async () => {
    const app = await decided();
    await put(open());
    house.state.swap = async () => null;
    const answer = await ask(app, 'DELETE', `/deployments/${ID}`);
    expect([answer.status, bodyOf<ErrorBody>(answer).error.code]).toEqual([503, 'state_unavailable']);
  });
});

describe('GET /deployments/:id/logs', () => {
  const logs = (app: FunctionApp) => ask(app, 'GET', `/deployments/${ID}/logs`);
  const textOf = async ({ body }: FunctionResponse): Promise<string> => {
    if (!isStream(body)) throw new Error('expected a stream');
    let text = '';
    for await (const bit of body) text += new TextDecoder().decode(bit);
    return text;
  };

  test('streams what the provider gives', async () => {
    const vast = memoryProvider('vast');
    vast.logs = async (instanceId) =>
      (async function* () {
        yield new TextEncoder().encode(`${instanceId}: one\n`);
        yield new TextEncoder().encode('two\n');
      })();
    house.providers = [vast];
    const app = await decided();
    await put(open());
    const answer = await logs(app);
    expect([answer.status, answer.headers?.['content-type']]).toEqual([200, 'text/plain; charset=utf-8']);
    expect(await textOf(answer)).toBe('i-1: one\ntwo\n');
  });

  test.each<[string, () => Promise<void>, string]>([
    ['not made yet', async () => undefined, 'logs_unavailable'],
    ['being made', () => put(open({ state: 'deploying', instance_id: null })), 'logs_unavailable'],
    ['over', () => put(ended()), 'logs_unavailable'],
    ['of a provider without an adapter here', () => put(open()), 'provider_unknown'],
  ])('of one that is %s: 404 %s', async (_, prepare, code) => {
    const app = await decided();
    await prepare();
    const answer = await logs(app);
    expect([answer.status, bodyOf<ErrorBody>(answer).error.code]).toEqual([404, code]);
  });

  test('that the provider does not give: its words', async () => {
    const vast = memoryProvider('vast');
    vast.logs = () => Promise.reject(new RejectedError('logs_unavailable', 'vast keeps none'));
    house.providers = [vast];
    const app = await decided();
    await put(open());
    const answer = await logs(app);
    expect([answer.status, bodyOf<ErrorBody>(answer).error.message]).toEqual([404, 'vast keeps none']);
  });
});

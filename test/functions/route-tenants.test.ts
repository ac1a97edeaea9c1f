/** Who may ask route, and in whose name. */
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterEach, describe, expect, test } from 'vitest';
import type { RouteAnswer } from '#functions/route/answer.ts';
import { compose } from '#functions/route/index.ts';
import { type Config, parseConfig } from '#shared/config.ts';
import { decisionId } from '#shared/domain/ids.ts';
import type { ErrorBody } from '#shared/errors.ts';
import type { Platform } from '#shared/platform.ts';
import type { FunctionApp, FunctionResponse } from '#shared/runtime/types.ts';
import { closeServer, listenOnLoopback } from '#test/support/loopback.ts';
import { bodyOf } from '#test/support/push.ts';
import { aRouteRequest, FIVE_OFFERS, routeHouse, SALT } from '#test/support/route-house.ts';
import { aRequest } from '#test/support/runtime.ts';
import { aTenant, keyOf } from '#test/support/tenants.ts';

let house = routeHouse();
afterEach(async () => {
  await house.close();
  expect(house.clock.pending()).toBe(0);
  house = routeHouse();
});

const ask = async (app: FunctionApp, request: object, headers: Record<string, string>): Promise<FunctionResponse> =>
  app.handle(aRequest({ method: 'POST', path: '/route', headers, body: JSON.stringify(request) }));
const ann = { 'x-api-key': keyOf('ann') };

async function houseOfTwo(): Promise<FunctionApp> {
  house.tenants = [aTenant('ann'), aTenant('bob')];
  await house.offer(FIVE_OFFERS);
  return house.app();
}

describe('a request', () => {
  test('is its caller’s, whether it says so or not, to score and on record', async () => {
    const app = await houseOfTwo();
    for (const request of [aRouteRequest(), aRouteRequest({ tenant_id: 'ann', request_id: 'r2' })]) {
      const answer = bodyOf<RouteAnswer>(await ask(app, request, ann));
      expect(answer.decision_id).toBe(decisionId('ann', answer.request_id));
    }
    expect(house.scored.map(({ tenant_id: id }) => id)).toEqual(['ann', 'ann']);
    expect(house.bus.payloads('routing-decision').map(({ tenant_id: id }) => id)).toEqual(['ann', 'ann']);
  });

  test('of one id by two tenants are two requests', async () => {
    const app = await houseOfTwo();
    await ask(app, aRouteRequest(), ann);
    await ask(app, aRouteRequest({ gpu_hours: 1 }), { authorization: 'Bearer bobs', 'x-api-key': keyOf('bob') });
    expect(house.bus.distinct('routing-decision')).toHaveLength(2);
  });

  test.each<[string | undefined, string | undefined, number]>([
    [undefined, undefined, 200],
    [undefined, 'route.example', 200],
    ['none', undefined, 200],
    ['same-origin', undefined, 200],
    ['same-origin', 'localhost:8080', 200],
    ['same-origin', '127.0.0.1:8080', 200],
    ['same-origin', '[::1]:8080', 200],
    ['same-site', 'localhost:8080', 403],
    ['cross-site', 'localhost:8080', 403],
    // Its name leads here since a moment ago.
    ['same-origin', 'elsewhere.example:8080', 403],
    ['same-origin', '127.0.0.1.elsewhere.example', 403],
  ])(
    'where nobody is asked who he is, of a browser that says %s of its site, at %s: %i',
    async (site, host, status) => {
      await house.offer(FIVE_OFFERS);
      const headers = { ...(site && { 'sec-fetch-site': site }), ...(host && { host }) };
      const answer = await ask(await house.app(), aRouteRequest(), headers);
      expect(answer.status).toBe(status);
      expect(house.bus.published.length > 0).toBe(status === 200);
    },
  );

  test('in another’s name is refused before anything happens', async () => {
    const app = await houseOfTwo();
    const answer = await ask(app, aRouteRequest({ tenant_id: 'bob' }), ann);
    expect([answer.status, bodyOf<ErrorBody>(answer).error]).toEqual([
      403,
      expect.objectContaining({
        code: 'forbidden',
        message: expect.stringContaining('"bob" is not that of the caller'),
      }),
    ]);
    expect([house.scored, house.bus.published]).toEqual([[], []]);
  });

  test.each<[string, Record<string, string>]>([
    ['without a key', {}],
    ['with one that is none', { 'x-api-key': 'a guess of mine' }],
  ])('%s is refused at every door but the platform’s, and no line holds what was sent', async (_, headers) => {
    const app = await houseOfTwo();
    const id = 'f'.repeat(32);
    const doors = [
      ['POST', '/route'],
      ['GET', '/deployments'],
      ['GET', `/deployments/${id}`],
      ['DELETE', `/deployments/${id}`],
      ['GET', `/deployments/${id}/logs`],
      ['GET', '/providers'],
      ['GET', '/providers/vast'],
    ] as const;
    for (const [method, path] of doors) {
      const answer = await app.handle(aRequest({ method, path, headers, body: JSON.stringify(aRouteRequest()) }));
      expect([path, answer.status, bodyOf<ErrorBody>(answer).error.code]).toEqual([path, 401, 'unauthorized']);
    }
    for (const path of ['/health', '/ready', '/metrics'])
      expect((await app.handle(aRequest({ path, headers }))).status).toBe(200);
    expect([house.scored, house.bus.published]).toEqual([[], []]);
    expect(JSON.stringify(house.deps.lines)).not.toContain('guess of mine');
  });

  test('is nobody’s in particular where no tenants are known', async () => {
    await house.offer(FIVE_OFFERS);
    const app = await house.app();
    for (const [request, tenant] of [
      [aRouteRequest(), 'default'],
      [aRouteRequest({ tenant_id: 'anybody' }), 'anybody'],
    ] as const)
      expect(bodyOf<RouteAnswer>(await ask(app, request, {})).decision_id).toBe(decisionId(tenant, 'r1'));
  });
});

describe('route as it is composed', () => {
  const AUDIENCE = 'https://route-1234.run.app';
  const elsewhere = async (): Promise<never> => Promise.reject(new Error('route has no business there'));
  const composed = async (google: Config['google'], tenants: Config['tenants']): Promise<FunctionApp> => {
    await house.offer(FIVE_OFFERS);
    const platform: Platform = {
      ...house.deps,
      worldClock: house.clock,
      config: { ...parseConfig({}), tenants, google, scoreUrl: 'http://127.0.0.1:1' },
      bus: async () => house.bus,
      objects: async () => house.objects,
      state: async () => house.state,
      salt: async () => SALT,
      publishJob: async () => undefined,
      backlog: async () => 0,
      deadLetters: elsewhere,
      countDeadLetters: elsewhere,
      warehouse: elsewhere,
      estimate: null,
      identity: null,
      clusterToken: null,
      startJob: null,
      close: async () => undefined,
    };
    const app = await compose(platform);
    await app.start();
    return app;
  };

  test('asks who calls where its configuration says who may', async () => {
    const app = await composed(null, [aTenant('ann')]);
    expect((await ask(app, aRouteRequest(), {})).status).toBe(401);
    expect(bodyOf<RouteAnswer>(await ask(app, aRouteRequest(), ann)).decision_id).toBe(decisionId('ann', 'r1'));
    await app.drain();
  });

  test('asks nobody where it does not', async () => {
    const app = await composed(null, null);
    expect((await ask(app, aRouteRequest(), {})).status).toBe(200);
    await app.drain();
  });

  test('takes the ID tokens of tenants’ accounts where it is told whose tokens to take', async () => {
    const { privateKey, publicKey } = await generateKeyPair('RS256');
    const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: 'key-1', alg: 'RS256', use: 'sig' }] };
    const server = createServer((_, response) => void response.end(JSON.stringify(keys)));
    const keysUrl = await listenOnLoopback(server);
    const nowS = house.clock.now() / 1_000;
    const tokenOf = (email: string): Promise<string> =>
      new SignJWT({ email, email_verified: true })
        .setProtectedHeader({ alg: 'RS256', kid: 'key-1' })
        .setIssuer('https://accounts.google.com')
        .setAudience(AUDIENCE)
        .setIssuedAt(nowS)
        .setExpirationTime(nowS + 60)
        .sign(privateKey);
    const { google } = parseConfig({
      AURORA_PLATFORM: 'gcp',
      AURORA_PROJECT: 'my-project',
      AURORA_BUCKET: 'my-bucket',
      AURORA_DATASET: 'aurora',
      AURORA_LOCATION: 'EU',
      AURORA_AUDIENCE: AUDIENCE,
      AURORA_CALLERS: 'somebody@example.com',
      AURORA_TOKEN_KEYS: keysUrl,
    });
    const app = await composed(google, [aTenant('ann', { accounts: ['ann@example.com'] })]);
    const statuses: number[] = [];
    for (const email of ['ann@example.com', 'somebody@example.com'])
      statuses.push((await ask(app, aRouteRequest(), { authorization: `Bearer ${await tokenOf(email)}` })).status);
    expect(statuses).toEqual([200, 403]);
    await app.drain();
    await closeServer(server);
  });
});

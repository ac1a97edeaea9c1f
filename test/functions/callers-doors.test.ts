/** ingest behind the check of its callers: who is turned away, and that the event which they brought is not lost by it. */
import { createServer } from 'node:http';
import { createLocalJWKSet, exportJWK, generateKeyPair, type JSONWebKeySet, type JWTVerifyGetKey, SignJWT } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { createIngest } from '#functions/ingest/handler.ts';
import { routingDecision } from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import { ERROR_CATALOGUE, type ErrorBody, type ErrorCode } from '#shared/errors.ts';
import type { Row, Warehouse } from '#shared/ports/warehouse.ts';
import { createCallerCheck, guarded, remoteKeys } from '#shared/runtime/callers.ts';
import type { FunctionApp, FunctionResponse } from '#shared/runtime/types.ts';
import { fakeClock } from '#test/support/clock.ts';
import { aDecision } from '#test/support/events.ts';
import { closeServer, listenOnLoopback } from '#test/support/loopback.ts';
import { aPush, bodyOf } from '#test/support/push.ts';
import { testDeps } from '#test/support/runtime.ts';

const AUDIENCE = 'https://ingest-1234.run.app';
const PUSHER = 'pusher@my-project.iam.gserviceaccount.com';
/** What Pub/Sub takes for an acknowledgement (https://cloud.google.com/pubsub/docs/push#receive_push). */
const ACKNOWLEDGES = [102, 200, 201, 202, 204];

let privateKey: Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];
let keySet: JSONWebKeySet;
beforeAll(async () => {
  const pair = await generateKeyPair('RS256');
  privateKey = pair.privateKey;
  keySet = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'key-1', alg: 'RS256', use: 'sig' }] };
});

const clock = fakeClock();
const nowS = clock.now() / 1_000;
const signed = (change: object = {}): Promise<string> =>
  new SignJWT({
    iss: 'https://accounts.google.com',
    aud: AUDIENCE,
    iat: nowS,
    exp: nowS + 3_600,
    email: PUSHER,
    email_verified: true,
    ...change,
  })
    .setProtectedHeader({ alg: 'RS256', kid: 'key-1' })
    .sign(privateKey);

function house(keys: JWTVerifyGetKey = createLocalJWKSet(keySet)) {
  const rows: Row[] = [];
  const warehouse: Pick<Warehouse, 'append'> = { append: async (_, added) => void rows.push(...added) };
  const deps = { ...testDeps(clock), worldClock: clock, warehouse: warehouse as Warehouse };
  const check = createCallerCheck({ audience: AUDIENCE, accounts: [PUSHER], keys, hostClock: clock });
  return { rows, app: guarded(createIngest(deps), check) };
}

const event = encodeEvent(routingDecision, aDecision({ decision_id: 'd1' }));
const push = async (app: FunctionApp, token: string | undefined): Promise<FunctionResponse> =>
  app.handle({ ...aPush(event), headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });

describe('an event pushed with a token', () => {
  test.each<[string, object | null, ErrorCode]>([
    ['of another service account', { email: 'x@other.iam.gserviceaccount.com' }, 'forbidden'],
    ['that has expired', { exp: nowS - 3_600 }, 'unauthorized'],
    ['made out for another service', { aud: 'https://score-1234.run.app' }, 'unauthorized'],
    ['that is missing', null, 'unauthorized'],
  ])('%s is turned away unread, and comes again: with a good one it is on record once', async (_, claims, code) => {
    const { rows, app } = house();
    const token = claims === null ? undefined : await signed(claims);
    const answer = await push(app, token);
    expect(answer.status).toBe(ERROR_CATALOGUE[code].status);
    expect(ACKNOWLEDGES).not.toContain(answer.status);
    const { error } = bodyOf<ErrorBody>(answer);
    expect(error).toMatchObject({ code, remedy: ERROR_CATALOGUE[code].remedy });
    if (token !== undefined) expect(String(answer.body)).not.toContain(token.split('.')[2]);
    expect(rows).toEqual([]);
    expect((await push(app, await signed())).status).toBe(204);
    expect(rows.map((row) => row['decision_id'])).toEqual(['d1']);
  });

  test('while the keys cannot be had: 503, and later it is on record', async () => {
    let away = true;
    const server = createServer((_request, response) => {
      response.statusCode = away ? 503 : 200;
      response.end(JSON.stringify(keySet));
    });
    const { rows, app } = house(remoteKeys(await listenOnLoopback(server)));
    const answer = await push(app, await signed());
    expect([answer.status, bodyOf<ErrorBody>(answer).error.code]).toEqual([503, 'upstream_unavailable']);
    away = false;
    expect((await push(app, await signed())).status).toBe(204);
    expect(rows).toHaveLength(1);
    await closeServer(server);
  });
});

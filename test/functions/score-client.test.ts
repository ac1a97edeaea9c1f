import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createScoreClient } from '#functions/route/score-client.ts';
import { decideScores } from '#functions/score/decide.ts';
import { BREAKER_FAILURES, BREAKER_PAUSE_MS, POSTERIOR_STALE_LIMIT_MS, SCORE_DEADLINE_MS } from '#shared/defaults.ts';
import { defaultControl } from '#shared/domain/control.ts';
import { canonicalWorkloadOf } from '#shared/domain/request.ts';
import { indexOffers } from '#shared/rules/eligibility.ts';
import { createBreaker } from '#shared/runtime/breaker.ts';
import { fakeClock } from '#test/support/clock.ts';
import { aCompany } from '#test/support/learned.ts';
import { aRouteRequest, FIVE_OFFERS, NOW } from '#test/support/route-house.ts';

type Answer = { readonly status: number; readonly body: string } | 'silence' | 'reset';

const snapshot = { observed_at: '2026-01-01T09:00:00.000Z', offers: [...FIVE_OFFERS] };
const SCORES = decideScores({
  workload: canonicalWorkloadOf(aRouteRequest()),
  offers: { snapshot, index: indexOffers(snapshot), observedAtMs: NOW },
  generation: '1',
  decisionId: 'd1',
  control: defaultControl('auto'),
  company: aCompany(),
  staleLimitMs: POSTERIOR_STALE_LIMIT_MS,
  nowMs: NOW,
  includeFeatures: true,
});
const GOOD: Answer = { status: 200, body: JSON.stringify(SCORES) };

/** A score service that answers as told, and the client that asks it. */
async function house(identity: ((audience: string) => Promise<string>) | null = null) {
  const clock = fakeClock(NOW);
  const seen: unknown[] = [];
  const credentials: unknown[] = [];
  const waiting = Promise.withResolvers<void>();
  const service = { answer: GOOD as Answer };
  const server: Server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      seen.push([request.url, JSON.parse(body)]);
      credentials.push(request.headers.authorization);
      const { answer } = service;
      if (answer === 'reset') request.socket.destroy();
      else if (answer === 'silence') waiting.resolve();
      else response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = createScoreClient({ url, hostClock: clock, breaker: createBreaker({ name: 'score' }), identity });
  const close = async (): Promise<void> => {
    await client.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(clock.pending()).toBe(0);
  };
  closing.push(close);
  return { clock, seen, credentials, url, service, server, client, asked: waiting.promise };
}

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

describe('asking for scores', () => {
  test('gives what score answered; asks for the features too', async () => {
    const { client, seen } = await house();
    expect(await client.score(aRouteRequest())).toEqual({ answer: SCORES });
    expect(seen).toEqual([['/agent/route', { ...aRouteRequest(), include_features: true }]]);
  });

  test('in the cloud it shows an ID token made out for score', async () => {
    const { client, credentials, url } = await house(async (audience) => `for-${audience}`);
    expect(await client.score(aRouteRequest())).toEqual({ answer: SCORES });
    expect(credentials).toEqual([`Bearer for-${url}`]);
  });

  test('a token that does not come in time is no reason to wait', async () => {
    const { client, clock, seen } = await house(() => new Promise(() => undefined));
    const asking = client.score(aRouteRequest());
    await clock.advance(SCORE_DEADLINE_MS);
    expect(await asking).toEqual({ answer: null, reason: 'deadline_exceeded' });
    expect(seen).toEqual([]);
  });

  test.each<[string, Answer, string]>([
    ['is overloaded', { status: 503, body: '{}' }, 'scores_unavailable'],
    ['answers no JSON', { status: 200, body: '<html>' }, 'scores_unavailable: SyntaxError'],
    ['answers another shape', { status: 200, body: '{"recommendations":[]}' }, 'scores_unavailable'],
    [
      'answers an impossible probability',
      {
        status: 200,
        body: JSON.stringify({
          ...SCORES,
          recommendations: SCORES.recommendations.map((r) => ({ ...r, probability: 2 })),
        }),
      },
      'scores_unavailable',
    ],
    ['answers without an end', { status: 200, body: '['.repeat(2_000_000) }, 'upstream_unavailable'],
    ['breaks the connection', 'reset', 'upstream_unavailable'],
  ])('when it %s: no scores, and the reason', async (_, answer, reason) => {
    const { client, service } = await house();
    service.answer = answer;
    expect(await client.score(aRouteRequest())).toEqual({ answer: null, reason });
  });

  test('when it is slow: gives up at the deadline', async () => {
    const { client, service, clock, asked } = await house();
    service.answer = 'silence';
    const scored = client.score(aRouteRequest());
    await asked;
    await clock.advance(SCORE_DEADLINE_MS);
    expect(await scored).toEqual({ answer: null, reason: 'deadline_exceeded' });
  });

  test('after failures in a row it is left alone, then tried with one call, then trusted again', async () => {
    const { client, service, clock, seen } = await house();
    service.answer = 'reset';
    for (let i = 0; i < BREAKER_FAILURES; i++) await client.score(aRouteRequest());
    expect(seen).toHaveLength(BREAKER_FAILURES);
    expect(await client.score(aRouteRequest())).toEqual({ answer: null, reason: 'breaker_open' });
    expect(seen).toHaveLength(BREAKER_FAILURES);

    await clock.advance(BREAKER_PAUSE_MS);
    await client.score(aRouteRequest());
    expect(await client.score(aRouteRequest())).toEqual({ answer: null, reason: 'breaker_open' });
    expect(seen).toHaveLength(BREAKER_FAILURES + 1);

    service.answer = GOOD;
    await clock.advance(BREAKER_PAUSE_MS);
    expect(await client.score(aRouteRequest())).toEqual({ answer: SCORES });
    expect(await client.score(aRouteRequest())).toEqual({ answer: SCORES });
  });
});

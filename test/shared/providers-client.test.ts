import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { AuroraError, type ErrorCode, RejectedError } from '#shared/errors.ts';
import type { Answer } from '#shared/providers/answer.ts';
import {
  createProviderClient,
  type OutgoingCall,
  type ProviderCall,
  type ProviderClient,
  type ProviderClientOptions,
} from '#shared/providers/client.ts';
import { mayHaveHappened } from '#shared/providers/creation.ts';
import type { Pace } from '#shared/providers/pace.ts';
import { createMetrics, type Metrics } from '#shared/telemetry/metrics.ts';
import { bodyOf, closeServer, listenOnLoopback } from '#test/support/loopback.ts';

type Answering = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;
const KEY = 'planted-key-7f3a9c1e5b';

let answer: Answering;
const server = createServer((request, response) => void answer(request, response));
let baseUrl: string;
let client: ProviderClient;
let metrics: Metrics;
let penalties: (readonly [string, number])[];
let turns: (readonly [string, number])[];
let signed: OutgoingCall[];

beforeAll(async () => {
  baseUrl = await listenOnLoopback(server);
});
afterAll(() => closeServer(server));

const pace: Pace = {
  async reserve(endpoint, spacingMs) {
    turns.push([endpoint, spacingMs]);
  },
  async penalise(endpoint, ms) {
    penalties.push([endpoint, ms]);
  },
  waitMs: async () => 0,
};
function connect(more: Partial<ProviderClientOptions> = {}): ProviderClient {
  return createProviderClient({
    provider: 'acme',
    baseUrl,
    hostClock,
    pace,
    random: () => 0,
    metrics,
    spacingMs: { things: 1_000 },
    authorize(call) {
      signed.push(call);
      return { 'x-key': KEY, 'x-nth': String(signed.length) };
    },
    secrets: [KEY],
    attemptMs: 800,
    ...more,
  });
}
beforeEach(() => {
  [penalties, turns, signed] = [[], [], []];
  metrics = createMetrics();
  client = connect();
});
afterEach(() => client.close());

const thing = z.object({ thing: z.object({ id: z.int(), name: z.string() }) });
type Thing = z.output<typeof thing>;
const call = (more: Partial<ProviderCall<Thing>> = {}): ProviderCall<Thing> => ({
  operation: 'look',
  endpoint: 'things',
  method: 'GET',
  path: '/things/1',
  answer: thing,
  repeat: 'safe',
  ...more,
});
const soon = (ms = 1_000) => ({ deadline: hostClock.now() + ms });
const says =
  (status: number, body: string, headers: Readonly<Record<string, string>> = {}): Answering =>
  (_, response) => {
    response.writeHead(status, headers);
    response.end(body);
  };
/** One answer after the other; the last one again and again. */
const inTurn = (...answers: readonly Answering[]): Answering => {
  let n = 0;
  return (request, response) => answers[Math.min(n++, answers.length - 1)]?.(request, response);
};
const GOOD = says(200, '{"thing":{"id":1,"name":"one","later":true},"unknown":[]}');

async function failure(operation: Promise<unknown>): Promise<AuroraError> {
  const error = await operation.then(
    () => new Error('it succeeded'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof AuroraError) return error;
  throw error;
}

describe('a call', () => {
  test('goes out as it was signed, and its answer is read; unknown fields pass', async () => {
    let seen: { url: string | undefined; type: string | undefined; key: unknown; body: string } | undefined;
    answer = async (request, response) => {
      const { url, headers } = request;
      seen = { url, type: headers['content-type'], key: headers['x-key'], body: (await bodyOf(request)).toString() };
      GOOD(request, response);
    };
    const value = await client.ask(
      call({ method: 'POST', query: { b: '2', a: 'x y' }, body: { z: 1, a: [null] } }),
      soon(),
    );
    expect(value).toEqual({ thing: { id: 1, name: 'one' } });
    expect(seen).toEqual({
      url: '/things/1?b=2&a=x+y',
      type: 'application/json',
      key: KEY,
      body: '{"z":1,"a":[null]}',
    });
    expect(signed).toEqual([
      { method: 'POST', path: '/things/1', query: { b: '2', a: 'x y' }, body: '{"z":1,"a":[null]}' },
    ]);
  });

  test('is encoded as its provider wants it', async () => {
    answer = GOOD;
    client = connect({ encode: () => 'in its own way' });
    await client.ask(call({ method: 'PUT', body: {} }), soon());
    expect(signed[0]?.body).toBe('in its own way');
  });

  test.each<[number, ErrorCode]>([
    [400, 'provider_refused'],
    [401, 'provider_unauthorized'],
    [402, 'provider_funds'],
    [403, 'provider_unauthorized'],
    [404, 'provider_refused'],
    [405, 'provider_refused'],
    [408, 'provider_unavailable'],
    [409, 'provider_refused'],
    [410, 'provider_refused'],
    [422, 'provider_refused'],
    [425, 'provider_unavailable'],
    [429, 'provider_rate_limited'],
    [500, 'provider_unavailable'],
    [502, 'provider_unavailable'],
    [503, 'provider_unavailable'],
    [302, 'provider_answer_invalid'],
  ])('answered %i is %s, with what the provider said', async (status, code) => {
    for (const body of ['{"msg":"for this reason"}', '{"error":{"message":"for this reason"}}', 'for\nthis reason']) {
      answer = says(status, body);
      const error = await failure(client.ask(call({ repeat: 'never' }), soon()));
      expect(error.code).toBe(code);
      expect(error.message).toContain(`acme look: ${status} for this reason`);
    }
  });

  test.each([404, 410])('answered %i is what the call says it is', async (status) => {
    answer = says(status, '');
    expect((await failure(client.ask(call({ missing: 'offer_gone' }), soon()))).code).toBe('offer_gone');
    for (const body of ['', '{"error":"no_such_instance"}', 'Not Found']) {
      answer = says(status, body);
      expect(await client.askOrNull(call(), soon())).toBeNull();
    }
    // Of a proxy.
    answer = says(status, '<html><body>Not Found</body></html>');
    expect(await failure(client.askOrNull(call(), soon()))).toMatchObject({ code: 'provider_answer_invalid' });
    answer = inTurn(says(status, ' <!doctype html>'), GOOD);
    expect(await client.askOrNull(call(), soon())).toMatchObject({ thing: { id: 1 } });
  });

  test.each([
    ['{"thing":{"id":"1","name":"one"}}', 'acme look: thing.id: expected number, got "1"'],
    ['{"thing":{"id":1}}', 'acme look: thing.name: expected string, got nothing'],
    ['null', 'acme look: (root): expected object, got null'],
    ['{"thing":', 'acme look: expected JSON, got {"thing":'],
    ['', 'acme look: expected JSON, got nothing'],
    ['<html> <body>\n Checking', 'acme look: expected JSON, got <html> <body> Checking'],
    ['{"thing":{"__proto__":1}}', 'acme look: expected JSON, got {"thing":{"__proto__":1}}'],
  ])('answered %j is an answer that cannot be read', async (body, message) => {
    answer = says(200, body);
    expect(await failure(client.ask(call(), soon()))).toMatchObject({ code: 'provider_answer_invalid', message });
  });

  test('quotes no more of an odd value than shows what it is', async () => {
    answer = says(200, JSON.stringify({ thing: { id: 'x'.repeat(5_000), name: 'one' } }));
    expect((await failure(client.ask(call(), soon()))).message.length).toBeLessThan(200);
    answer = says(500, 'x'.repeat(5_000));
    expect((await failure(client.ask(call({ repeat: 'never' }), soon()))).message.length).toBeLessThan(250);
  });

  test('reads no more than its limit', async () => {
    answer = says(200, JSON.stringify({ thing: { id: 1, name: 'x'.repeat(2_000) } }));
    expect(await failure(client.ask(call({ maxBytes: 1_000, repeat: 'never' }), soon()))).toMatchObject({
      code: 'provider_unavailable',
      message: expect.stringContaining('at most 1000 bytes'),
    });
  });

  test('the provider’s own way to say no counts before its status', async () => {
    answer = says(200, '{"success":false,"error":"busy"}');
    const refusal = ({ json, what }: Answer): AuroraError | null =>
      (json as { success?: boolean }).success === false
        ? new RejectedError('provider_funds', `${what}: of its own`)
        : null;
    expect(await failure(client.ask(call({ refusal }), soon()))).toMatchObject({
      code: 'provider_funds',
      message: 'acme look: of its own',
    });
  });
});

describe('repetition', () => {
  test.each([
    ['a 503', says(503, '')],
    ['half an answer', says(200, '{"thing":')],
    ['a cut line', (_: IncomingMessage, response: ServerResponse) => void response.destroy()],
    ['silence', () => undefined],
  ])('%s: again where that is safe, each time in its turn and signed anew', async (_, bad) => {
    answer = inTurn(bad, GOOD);
    expect(await client.ask(call(), soon())).toEqual({ thing: { id: 1, name: 'one' } });
    expect(turns).toEqual([
      ['things', 1_000],
      ['things', 1_000],
    ]);
    expect(signed).toHaveLength(2);
    expect(penalties).toEqual([]);
  });

  test.each<[string, Answering, boolean]>([
    ['a 503', says(503, ''), true],
    ['half an answer', says(200, '{"thing":'), true],
    ['an odd answer', says(200, '{}'), true],
    ['a cut line', (_: IncomingMessage, response: ServerResponse) => void response.destroy(), true],
    ['silence', () => undefined, true],
    ['a refusal', says(400, ''), false],
  ])('%s: not again where it is not safe, and whether it may have happened is known', async (_, bad, may) => {
    answer = inTurn(bad, GOOD);
    const error = await failure(client.ask(call({ repeat: 'never' }), soon()));
    expect(mayHaveHappened(error)).toBe(may);
    expect(signed).toHaveLength(1);
  });

  test('an answer of the wrong shape is not asked for again: it would have the same shape', async () => {
    answer = inTurn(says(200, '{}'), GOOD);
    await failure(client.ask(call(), soon()));
    expect(signed).toHaveLength(1);
  });

  test('four attempts, then the last error', async () => {
    answer = says(500, 'broken');
    expect((await failure(client.ask(call(), soon()))).message).toBe('acme look: 500 broken');
    expect(signed).toHaveLength(4);
  });

  test.each([
    ['text without a threshold', 'API requests too frequent', {}, 1_000],
    ['a threshold in the text', 'API requests too frequent: endpoint threshold=4.5', {}, 4_500],
    ['a threshold in JSON', '{"detail":"API requests too frequent endpoint threshold=4.5"}', {}, 4_500],
    ['a threshold below our own spacing', 'threshold=0.2', {}, 1_000],
    ['Retry-After', '', { 'retry-after': '7' }, 7_000],
    ['a threshold that cannot be meant', 'threshold=9999', {}, 300_000],
    ['a date', '', { 'retry-after': 'Mon, 30 Nov 2026 12:00:00 GMT' }, 1_000],
  ])(
    '429 with %s bars the endpoint so long, and is asked again even where nothing else is',
    async (_, body, headers, ms) => {
      answer = inTurn(says(429, body, headers), GOOD);
      await client.ask(call({ repeat: 'never' }), soon());
      expect(penalties).toEqual([['things', ms]]);
      expect(signed).toHaveLength(2);
    },
  );

  test('a turn that comes too late leaves the error that came before it', async () => {
    answer = says(500, 'broken');
    let left = 2;
    client = connect({
      pace: {
        ...pace,
        async reserve() {
          left -= 1;
          if (left < 0) throw new Error('too late');
        },
      },
    });
    expect((await failure(client.ask(call(), soon()))).message).toBe('acme look: 500 broken');
    expect(signed).toHaveLength(2);
  });

  test('never past the deadline, with jitter that grows', async () => {
    answer = says(500, 'broken');
    client = connect({ random: () => 0.99 });
    const startedMs = hostClock.now();
    // The first pause is below 250 ms, the second one below 500: together too long.
    await failure(client.ask(call(), { deadline: startedMs + 700 }));
    expect(signed).toHaveLength(2);
    expect(hostClock.now() - startedMs).toBeLessThan(700);
  });
});

describe('time', () => {
  test('an attempt has its own limit, the call its deadline', async () => {
    answer = () => undefined;
    expect((await failure(client.ask(call({ repeat: 'never' }), soon()))).code).toBe('provider_unavailable');
    client = connect({ attemptMs: 10_000 });
    const startedMs = hostClock.now();
    expect((await failure(client.ask(call(), soon(100)))).code).toBe('deadline_exceeded');
    expect(hostClock.now() - startedMs).toBeLessThan(2_000);
  });

  test('who gives up is given its own reason, and the call is not repeated', async () => {
    const left = new AbortController();
    const reason = new Error('left');
    answer = () => left.abort(reason);
    await expect(client.ask(call(), { ...soon(), signal: left.signal })).rejects.toBe(reason);
    expect(signed).toHaveLength(1);
    expect(await metrics.exposition()).toContain('operation="look",result="given_up"} 1');
  });

  test('the time of an answer is told without the wait for a turn', async () => {
    answer = GOOD;
    client = connect({
      pace: { ...pace, reserve: () => new Promise((resolve) => void hostClock.after(400, () => resolve())) },
    });
    const ms = await client.time(call(), soon());
    expect(ms).toBeGreaterThan(0);
    expect(ms).toBeLessThan(400);
  });
});

describe('the key', () => {
  const everythingOf = (error: unknown): string =>
    error instanceof Error
      ? [
          error.message,
          error.stack,
          JSON.stringify((error as AuroraError).details ?? {}),
          everythingOf(error.cause),
        ].join()
      : String(error);

  test('is in no error, though the provider sends it back, in any place and of any status', async () => {
    const places = [
      KEY,
      `${'x'.repeat(150)}${KEY}`,
      `{"thing":{"id":"${KEY}"}}`,
      `{"thing":{"id":"${'x'.repeat(55)}${KEY}"}}`,
    ];
    const words = places.flatMap((body) => [
      body,
      `{"msg":"no such key: ${KEY}"}`,
      `{"error":{"message":"${'y'.repeat(190)}${KEY}"}}`,
    ]);
    let told = '';
    for (const status of [200, 302, 400, 401, 402, 403, 404, 410, 429, 500]) {
      for (const body of words) {
        answer = says(status, body);
        told += everythingOf(await failure(client.ask(call({ repeat: 'never' }), soon())).catch((error) => error));
      }
    }
    expect(told).toContain('[key]');
    expect(told).not.toContain(KEY.slice(0, 12));
    expect(told).not.toContain(KEY.slice(-12));
    expect(await metrics.exposition()).not.toContain(KEY.slice(0, 12));
  });

  test.each(['', 'with a space', 'line\nbreak', 'ümlaut'])(
    '%j is no key: refused before a call, and not quoted',
    (key) => {
      const made = () => connect({ secrets: [key] });
      expect(made).toThrow(expect.objectContaining({ code: 'config_invalid' }));
      expect(made).toThrow('key of acme: expected printable characters without spaces');
    },
  );
});

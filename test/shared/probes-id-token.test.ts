/** Targets that ask who calls: the token goes to them alone, and is told to nobody. */
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { TransientError } from '#shared/errors.ts';
import type { Reach, Targets } from '#shared/probes/check.ts';
import { CHECK_KINDS } from '#shared/probes/checks/index.ts';
import { runSuite } from '#shared/probes/run.ts';
import { parseSuite } from '#shared/probes/suite.ts';
import { createCredentials, type Identity } from '#shared/probes/tools/id-token.ts';
import { testCases } from '#test/support/cases.ts';
import { fakeClock } from '#test/support/clock.ts';
import { closeServer, listenOnLoopback } from '#test/support/loopback.ts';
import { answered, getOf, HERE, realTools, toldHttp, toolsOf, within } from '#test/support/probe-tools.ts';

const SIGNATURE = 'c2lnbmF0dXJlLW9mLW5vYm9keS0wMTIzNDU2Nzg5';
const tokenFor = (audience: string): string =>
  `eyJhbGciOiJSUzI1NiJ9.${Buffer.from(JSON.stringify({ aud: audience, email: 'probe@p.example' })).toString('base64url')}.${SIGNATURE}`;

/** Makes tokens out, and remembers for whom. */
function issuer(make: (audience: string) => string | Promise<string> = tokenFor) {
  const audiences: string[] = [];
  return {
    audiences,
    identity: async (audience: string): Promise<string> => {
      audiences.push(audience);
      return make(audience);
    },
  };
}

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  onTestFinished(() => closeServer(server));
  return listenOnLoopback(server);
}
const toolWith = (identity: Identity) => realTools({}, [], hostClock, undefined, identity).http;

describe('a token', () => {
  test('is made out for the origin that is asked, and for nobody who does not ask', async () => {
    const { identity, audiences } = issuer();
    const shown: (string | undefined)[] = [];
    const origin = await serve((request, response) => {
      shown.push(request.headers.authorization);
      response.end('ok');
    });
    const http = toolWith(identity);
    await http(getOf(`${origin}/health?deep=1`, { idToken: true }), within(5_000));
    await http(getOf(`${origin}/health`), within(5_000));
    expect(audiences).toEqual([origin]);
    expect(shown).toEqual([`Bearer ${tokenFor(origin)}`, undefined]);
  });

  test('is in no answer of whoever repeats it, whole or in parts', async () => {
    const { identity } = issuer();
    const origin = await serve((request, response) => {
      const said = request.headers.authorization ?? '';
      response.writeHead(200, { 'x-said': said, location: `/${said.split(' ')[1]}` });
      response.end(JSON.stringify({ said, signature: said.split('.')[2] }));
    });
    const seen = await toolWith(identity)(getOf(origin, { idToken: true }), within(5_000));
    expect(seen).toMatchObject({
      headers: { 'x-said': 'Bearer [ID token]', location: '/[ID token]' },
      body: '{"said":"Bearer [ID token]","signature":"[ID token]"}',
    });
  });

  test('goes with no redirect, not even one to its own origin', async () => {
    const { identity, audiences } = issuer();
    const shown: string[] = [];
    const note = (who: string, request: IncomingMessage): void =>
      void shown.push(`${who}${request.url} ${request.headers.authorization === undefined ? 'without' : 'with'}`);
    const other = await serve((request, response) => {
      note('other', request);
      response.end('ok');
    });
    const origin = await serve((request, response) => {
      note('own', request);
      if (request.url === '/a') response.writeHead(302, { location: '/b' }).end();
      else response.writeHead(307, { location: `${other}/c` }).end();
    });
    const check = CHECK_KINDS['http']?.bind({ path: '/a', redirects: {} }, { url: origin, reach: HERE, idToken: true });
    const verdict = await check?.(toolsOf(hostClock, { http: toolWith(identity) }), within(5_000));
    expect(verdict?.status).toBe('pass');
    expect(shown).toEqual(['own/a with', 'own/b without', 'other/c without']);
    expect(audiences).toEqual([origin]);
  });

  test('how long it takes is no time of the target', async () => {
    const origin = await serve((_, response) => void response.end('ok'));
    let ms = 0;
    const slow: Identity = async (audience) => {
      ms += 60_000;
      return tokenFor(audience);
    };
    const { http } = realTools({}, [], hostClock, () => ms, slow);
    expect(await http(getOf(origin, { idToken: true }), within(5_000))).toMatchObject({ answered: true, ms: 0 });
  });
});

describe('a token is shown to', () => {
  const shows = async (url: string, reach: Reach): Promise<string> => {
    const { identity, audiences } = issuer();
    const credentials = createCredentials(identity, hostClock);
    const outcome = await credentials(getOf(url, { reach, idToken: true }), new URL(url), within(1_000)).then(
      ({ headers }) => Object.keys(headers).join(),
      (error: { code: string }) => error.code,
    );
    expect(audiences).toHaveLength(outcome === 'authorization' ? 1 : 0);
    return outcome;
  };
  const ELSEWHERE: Reach = { private: true, loopback: false };

  test.each<[string, Reach, string]>([
    ['https://score.run.app/x', ELSEWHERE, 'authorization'],
    ['https://10.0.0.1/x', ELSEWHERE, 'authorization'],
    ['http://score.run.app/x', HERE, 'config_invalid'],
    ['http://10.0.0.1/x', ELSEWHERE, 'config_invalid'],
    ['http://127.0.0.1:8080/x', HERE, 'authorization'],
    ['http://localhost:8080/x', HERE, 'authorization'],
    ['http://[::1]:8080/x', HERE, 'authorization'],
    ['http://127.0.0.1:8080/x', ELSEWHERE, 'config_invalid'],
    ['http://localhost.example/x', HERE, 'config_invalid'],
    ['http://127.0.0.1.example/x', HERE, 'config_invalid'],
  ])('%s, reach %j: %s', async (url, reach, expected) => {
    expect(await shows(url, reach)).toBe(expected);
  });

  test('nobody beside another credential', async () => {
    const { identity, audiences } = issuer();
    const request = getOf('https://score.run.app/', { idToken: true, headers: { Authorization: 'Basic x' } });
    await expect(toolWith(identity)(request, within(1_000))).rejects.toMatchObject({
      code: 'config_invalid',
      message: 'https://score.run.app: expected no header authorization beside id_token',
    });
    expect(audiences).toEqual([]);
  });
});

/** Every kind that looks at a URL, with what its spec must hold. */
const KINDS: Readonly<Record<string, object>> = {
  http: {},
  canary_score: {},
  metrics: { series: [{ name: 'a' }] },
  psi_field: { apart_s: 0 },
  scheduler: {},
};

test('every check of a URL asks as the target says', async () => {
  const kinds = Object.values(CHECK_KINDS).filter(({ on }) => on === 'url');
  expect(kinds.map(({ kind }) => kind).sort()).toEqual(Object.keys(KINDS).sort());
  for (const check of kinds)
    for (const idToken of [true, false]) {
      const { http, asked } = toldHttp([answered({})]);
      const target: Targets['url'] = { url: 'https://x.example', reach: HERE, idToken };
      await check.bind(KINDS[check.kind], target)(toolsOf(fakeClock(), { http }), within(10_000));
      expect(asked.length, check.kind).toBeGreaterThan(0);
      expect(new Set(asked.map((one) => one.idToken ?? false)), check.kind).toEqual(new Set([idToken]));
    }
});

const suiteOf = (origin: string): string =>
  JSON.stringify({
    suite: 'mine',
    period_s: 60,
    deadline_s: 20,
    confirm: { times: 0, pause_ms: 0 },
    targets: { mine: { url: origin, id_token: true } },
    checks: [
      { id: 'health', kind: 'http', target: 'mine', category: 'x', json: [{ path: 'said', equals: 'nothing' }] },
      {
        id: 'itself',
        kind: 'http',
        target: 'mine',
        category: 'x',
        identity: { header: { name: 'x-said', equals: 'nobody' } },
      },
      { id: 'moved', kind: 'http', target: 'mine', category: 'x', path: '/moved', redirects: { max: 1 } },
      { id: 'scores', kind: 'canary_score', target: 'mine', category: 'x' },
      { id: 'metrics', kind: 'metrics', target: 'mine', category: 'x', series: [{ name: 'a' }] },
      { id: 'psi', kind: 'psi_field', target: 'mine', category: 'x', apart_s: 0 },
      { id: 'anchors', kind: 'scheduler', target: 'mine', category: 'x' },
    ],
  });

/** A run of all kinds against a server. */
async function run(origin: string, identity: Identity) {
  const suite = parseSuite(suiteOf(origin), 'mine.yaml', { kinds: CHECK_KINDS, variables: {}, loopback: true });
  const network = realTools({}, [], hostClock, undefined, identity);
  const { signal } = new AbortController();
  return runSuite({ suite, tools: toolsOf(hostClock, network), runId: 'r', signal, only: null });
}

describe('where there is no token, nothing is known of the target', () => {
  const mute = async (): Promise<string> => serve((_, response) => void response.end('{}'));

  test('nobody makes one out: a fault of the configuration', async () => {
    const origin = await mute();
    const { results } = await run(origin, null);
    for (const { status, evidence, remedy } of results) {
      expect(status).toBe('error');
      expect(evidence).toEqual({
        code: 'identity_missing',
        reason: `${origin} is to be shown an ID token, and nobody here makes one out`,
      });
      expect(remedy).toMatch(/function probe in the cloud/);
    }
  });

  test.each<[string, Identity, object]>([
    [
      'the metadata server is away',
      async () => Promise.reject(new TransientError('upstream_unavailable', 'metadata server: HTTP 503')),
      { code: 'upstream_unavailable', reason: 'metadata server: HTTP 503' },
    ],
    [
      'whoever makes them out fails in words of his own',
      async (audience) => Promise.reject(new TypeError(`cannot send ${tokenFor(audience)}`)),
      { code: 'upstream_unavailable', reason: expect.stringMatching(/^no ID token for \S+ can be had: TypeError$/) },
    ],
    [
      'what comes is none',
      async () => `${SIGNATURE}\r\nx-evil: 1`,
      { code: 'upstream_unavailable', reason: expect.stringMatching(/can be had: what came is none$/) },
    ],
  ])('%s', async (_, identity, evidence) => {
    const { results } = await run(await mute(), identity);
    for (const result of results) expect(result).toMatchObject({ status: 'error', evidence });
    expect(JSON.stringify(results)).not.toContain(SIGNATURE);
  });

  test('none comes by the deadline, and nothing waits for it then', async () => {
    const clock = fakeClock();
    const credentials = createCredentials(() => new Promise<string>(() => undefined), clock);
    const request = getOf('https://score.run.app/', { idToken: true });
    const context = { deadline: clock.now() + 5_000, signal: new AbortController().signal };
    const failing = credentials(request, new URL(request.url), context).catch((error: unknown) => error);
    await clock.advance(5_000);
    expect(await failing).toMatchObject({
      code: 'deadline_exceeded',
      message: 'no ID token for https://score.run.app by the deadline',
    });
    expect(clock.pending()).toBe(0);
    await expect(
      credentials(request, new URL(request.url), { ...context, deadline: clock.now() }),
    ).rejects.toMatchObject({ code: 'deadline_exceeded' });
  });
});

test('whatever a target makes of the token, no report, evidence or remedy has it', async () => {
  /** Where it repeats what it was shown, and in which words. */
  type Echo = (said: string) => {
    readonly status: number;
    readonly headers: Record<string, string>;
    readonly body: string;
  };
  let echo: Echo = () => ({ status: 200, headers: {}, body: '' });
  let asked = 0;
  const origin = await serve((request, response) => {
    asked += request.headers.authorization === undefined ? 0 : 1;
    const { status, headers, body } = echo(request.headers.authorization?.replace('Bearer ', '') ?? 'nothing');
    response.writeHead(status, headers).end(body);
  });
  const place = fc.constantFrom('whole', 'signature', 'payload');
  const part = (said: string, which: string): string =>
    which === 'whole' ? said : (said.split('.')[which === 'signature' ? 2 : 1] ?? said);
  const word = fc.string({ unit: fc.constantFrom('a', 'Z', '0', '-', '_', '.', ' '), maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        status: fc.constantFrom(200, 302, 401, 500, 503),
        inBody: fc.constantFrom('json', 'text', 'metrics', 'state'),
        which: place,
        before: word,
        after: word,
      }),
      async ({ status, inBody, which, before, after }) => {
        echo = (said) => {
          const text = `${before}${part(said, which)}${after}`;
          return {
            status,
            headers: {
              'x-said': text.trim(),
              location: `/${encodeURIComponent(text)}`,
              'content-type': `text/${part(said, which)}`,
            },
            body: {
              json: JSON.stringify({ said: text, error: { code: text }, status: text }),
              text,
              metrics: `a{b="${text}"} 1\n${text} 2\n`,
              state: JSON.stringify({
                status: text,
                import_success: true,
                engine_initialized: true,
                namespaces: { [text]: text },
              }),
            }[inBody],
          };
        };
        const report = await run(origin, async (audience) => tokenFor(audience));
        const text = JSON.stringify(report);
        expect(text).not.toContain(SIGNATURE);
        expect(text).not.toContain(tokenFor(origin).split('.')[1]);
      },
    ),
    { numRuns: Math.min(testCases, 100) },
  );
  expect(asked).toBeGreaterThan(100);
});

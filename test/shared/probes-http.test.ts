import { createServer } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { evidence } from '#shared/domain/probe.ts';
import { httpCheck } from '#shared/probes/checks/http.ts';
import type { HttpSeen, NotAnswered } from '#shared/probes/tools.ts';
import { fakeClock } from '#test/support/clock.ts';
import { closeServer, listenOnLoopback } from '#test/support/loopback.ts';
import { answered, HERE, realTools, toldHttp, toolsOf, within } from '#test/support/probe-tools.ts';

const clock = fakeClock();
const REACH = { private: false, loopback: false };

/** What becomes of a check that is told these answers, and what it asked for. */
async function look(spec: object, answers: readonly HttpSeen[], url = 'https://aurora.example') {
  const { http, asked } = toldHttp(answers);
  const verdict = await httpCheck.bind(spec, { url, reach: REACH })(toolsOf(clock, { http }), within(10_000));
  expect(evidence.parse(verdict.evidence)).toEqual(verdict.evidence);
  return { verdict, asked };
}
const lost = (reason: NotAnswered, detail: string): HttpSeen => ({ answered: false, reason, detail, ms: 3.21 });
const redirect = (location: string | null, status = 302): HttpSeen =>
  answered('', { status, headers: location === null ? {} : { location }, ms: 1 });

const HEALTH = { status: 'ok', providers: { akash: 'up' }, mode: 'online', list: [{ id: 7 }] };

describe('a service that answers', () => {
  test('as it should', async () => {
    const { verdict, asked } = await look({ path: '/health?deep=1', headers: { 'x-a': 'b' } }, [answered(HEALTH)]);
    expect(verdict).toEqual({ status: 'pass', evidence: { status: 200, requests: 1, p95_ms: 12.3 }, remedy: null });
    expect(asked).toEqual([
      {
        url: 'https://aurora.example/health?deep=1',
        method: 'GET',
        headers: { 'x-a': 'b' },
        body: null,
        maxBytes: 262_144,
        reach: REACH,
      },
    ]);
  });

  test('to a POST', async () => {
    const { verdict, asked } = await look({ method: 'POST', body: '{}', status: 400 }, [answered('', { status: 400 })]);
    expect(verdict.status).toBe('pass');
    expect(asked).toMatchObject([{ method: 'POST', body: '{}', url: 'https://aurora.example/' }]);
  });

  test.each<[string, object]>([
    ['one of several statuses', { status: [200, 503] }],
    ['a text', { contains: ['akash', 'up'] }],
    ['without a text', { lacks: ['error'] }],
    ['a field', { json: [{ path: 'providers.akash' }] }],
    ['a field of a list', { json: [{ path: 'list.0.id', equals: 7 }] }],
    ['a value', { json: [{ path: 'status', equals: 'ok', not: 'down' }] }],
    ['as itself, by a field', { identity: { json: [{ path: 'providers' }] } }],
    ['as itself, by a header', { identity: { header: { name: 'Content-Type', equals: 'application/json' } } }],
    ['as itself, by a text', { identity: { contains: ['"mode"'] } }],
  ])('with %s', async (_, spec) => {
    expect((await look(spec, [answered(HEALTH)])).verdict.status).toBe('pass');
  });
});

describe('a service that answers, but', () => {
  test.each<[string, object, HttpSeen, object, RegExp]>([
    [
      'with an error',
      {},
      answered('', { status: 502 }),
      { status: 502, ms: 12.3, expected_status: '200' },
      /look at its log/,
    ],
    [
      'with another status of several',
      { status: [200, 204] },
      answered('', { status: 404 }),
      { status: 404, ms: 12.3, expected_status: '200, 204' },
      /This path is not there/,
    ],
    ['refuses', {}, answered('', { status: 401 }), { status: 401, ms: 12.3, expected_status: '200' }, /credentials/],
    [
      'has had enough',
      {},
      answered('', { status: 429 }),
      { status: 429, ms: 12.3, expected_status: '200' },
      /too many/,
    ],
    ['redirects', {}, redirect('/b'), { status: 302, ms: 1, expected_status: '200' }, /allow redirects/],
    [
      'lacks a text',
      { contains: ['akash', 'render'] },
      answered(HEALTH),
      { status: 200, ms: 12.3, expected: 'text render', got: 'application/json, 76 bytes' },
      /lacks what it should hold/,
    ],
    [
      'has one that it should not',
      { lacks: ['online'] },
      answered(HEALTH),
      { status: 200, ms: 12.3, expected: 'no text online', got: 'it is there' },
      /lacks/,
    ],
    [
      'with a page in the place of JSON',
      { json: [{ path: 'status' }] },
      answered('<html>', { headers: { 'content-type': 'text/html' } }),
      { status: 200, ms: 12.3, expected: 'JSON', got: 'text/html, 6 bytes' },
      /lacks/,
    ],
    [
      'lacks a field',
      { json: [{ path: 'providers.render' }] },
      answered(HEALTH),
      { status: 200, ms: 12.3, expected: 'a field providers.render', got: 'nothing' },
      /lacks/,
    ],
    [
      'a field of what is none of its own',
      { json: [{ path: 'providers.constructor' }] },
      answered(HEALTH),
      { status: 200, ms: 12.3, expected: 'a field providers.constructor', got: 'nothing' },
      /lacks/,
    ],
    [
      'has another value',
      { json: [{ path: 'status', equals: 'well' }] },
      answered(HEALTH),
      { status: 200, ms: 12.3, expected: 'status = well', got: 'ok' },
      /lacks/,
    ],
    [
      'has a value of another kind',
      { json: [{ path: 'list.0.id', equals: '7' }] },
      answered(HEALTH),
      { status: 200, ms: 12.3, expected: 'list.0.id = 7', got: '7' },
      /lacks/,
    ],
    [
      'has the value that it must not',
      { json: [{ path: 'mode', not: 'online' }] },
      answered(HEALTH),
      { status: 200, ms: 12.3, expected: 'mode other than online', got: 'online' },
      /lacks/,
    ],
    [
      'is another one, though all is well',
      { identity: { json: [{ path: 'providers' }] } },
      answered({ status: 'ok', namespaces: {} }),
      { status: 200, ms: 12.3, is_itself: false, expected: 'a field providers', got: 'nothing' },
      /Another service answers/,
    ],
    [
      'is another one by its header',
      { identity: { header: { name: 'x-service', equals: 'aurora' } } },
      answered(HEALTH, { headers: { 'x-service': 'scheduler' } }),
      { status: 200, ms: 12.3, is_itself: false, expected: 'header x-service: aurora', got: 'scheduler' },
      /Another service answers/,
    ],
    [
      'is itself, and unwell',
      { identity: { json: [{ path: 'providers' }] } },
      answered(HEALTH, { status: 503 }),
      { status: 503, ms: 12.3, is_itself: true, expected_status: '200' },
      /look at its log/,
    ],
  ])('%s', async (_, spec, seen, expected, remedy) => {
    const { verdict } = await look(spec, [seen]);
    expect(verdict).toEqual({ status: 'fail', evidence: expected, remedy: expect.stringMatching(remedy) });
  });

  test('what it says is cut, and shown without what a terminal would obey', async () => {
    const { verdict } = await look({ json: [{ path: 'status', equals: 'ok' }] }, [
      answered({ status: `\u001b[31m\n${'x'.repeat(5_000)}` }),
    ]);
    expect(verdict.evidence['got']).toMatch(/^ \[31m x{100,}…$/);
  });
});

describe('a service that does not answer', () => {
  test.each<[NotAnswered, 'fail' | 'error', RegExp]>([
    ['refused', 'fail', /Nothing listens/],
    ['timeout', 'fail', /in time/],
    ['tls', 'fail', /tls check/],
    ['dns', 'fail', /DNS record/],
    ['reset', 'fail', /restarts and crashes/],
    ['too_large', 'fail', /max_bytes/],
    ['other', 'fail', /does not speak HTTP/],
    ['resolver', 'error', /resolver of the machine/],
    ['no_route', 'error', /No way leads/],
    ['forbidden_address', 'error', /private: true/],
  ])('%s: %s', async (reason, status, remedy) => {
    const { verdict } = await look({}, [lost(reason, 'as it was told')]);
    expect(verdict).toEqual({
      status,
      evidence: { reason, detail: 'as it was told', ms: 3.2 },
      remedy: expect.stringMatching(remedy),
    });
  });
});

describe('how long it takes', () => {
  const took = (...all: number[]): HttpSeen[] => all.map((ms) => answered('', { ms }));

  test('is the 95th percentile of so many, one after the other', async () => {
    const times = Array.from({ length: 20 }, (_, i) => i + 1);
    const { verdict, asked } = await look({ requests: 20, max_p95_ms: 19 }, took(...times));
    expect(verdict).toMatchObject({ status: 'pass', evidence: { requests: 20, p95_ms: 19 } });
    expect(asked).toHaveLength(20);
  });

  test('is too long', async () => {
    const { verdict } = await look({ requests: 3, max_p95_ms: 100 }, took(5, 100.1, 7));
    expect(verdict).toEqual({
      status: 'fail',
      evidence: { status: 200, requests: 3, p95_ms: 100.1, max_p95_ms: 100 },
      remedy: expect.stringMatching(/too slowly/),
    });
  });

  test('one bad answer of several is one too many, and says how many were good', async () => {
    const { verdict, asked } = await look({ requests: 4 }, [answered(''), answered('', { status: 500 }), answered('')]);
    expect(verdict).toMatchObject({ status: 'fail', evidence: { status: 500, good_before: 1 } });
    expect(asked).toHaveLength(4);
  });

  test('after one that hangs nobody is asked again', async () => {
    const { verdict, asked } = await look({ requests: 4 }, [answered(''), lost('timeout', 'nothing came')]);
    expect(verdict).toMatchObject({ status: 'fail', evidence: { reason: 'timeout', good_before: 1 } });
    expect(asked).toHaveLength(2);
  });
});

describe('redirects', () => {
  test('are followed, each named without its query, with headers for their own host alone', async () => {
    const { verdict, asked } = await look(
      { path: '/old?key=1', headers: { authorization: 'Bearer of-aurora' }, redirects: { max: 3 } },
      [redirect('/new?key=2', 301), redirect('https://other.example/x?key=3', 307), answered('here')],
    );
    expect(verdict).toEqual({
      status: 'pass',
      evidence: {
        status: 200,
        requests: 1,
        p95_ms: 14.3,
        hops: '301 https://aurora.example/old -> 307 https://aurora.example/new -> https://other.example/x',
      },
      remedy: null,
    });
    expect(asked.map(({ url, headers, reach }) => [url, headers, reach])).toEqual([
      ['https://aurora.example/old?key=1', { authorization: 'Bearer of-aurora' }, REACH],
      ['https://aurora.example/new?key=2', { authorization: 'Bearer of-aurora' }, REACH],
      ['https://other.example/x?key=3', {}, REACH],
    ]);
  });

  test.each<[string, object, HttpSeen[], object, RegExp]>([
    [
      'in a circle',
      { max: 2 },
      [redirect('/a'), redirect('/b'), redirect('/a')],
      { status: 302, reason: 'it redirects more than 2 times' },
      /Correct the redirect/,
    ],
    [
      'without a place',
      {},
      [redirect(null)],
      { reason: 'it redirects to no URL of http or https' },
      /Correct the redirect/,
    ],
    [
      'to no place of HTTP',
      {},
      [redirect('file:///etc/passwd')],
      { reason: 'it redirects to no URL of http or https' },
      /Correct/,
    ],
    [
      'away from TLS',
      { https: true },
      [redirect('http://aurora.example/x'), answered('')],
      { plain: 'http://aurora.example/x' },
      /https only/,
    ],
    [
      'through a place without TLS',
      { https: true },
      [redirect('http://aurora.example/x'), redirect('https://aurora.example/y'), answered('')],
      { plain: 'http://aurora.example/x' },
      /https only/,
    ],
    [
      'to an address that is for nobody',
      {},
      [redirect('http://169.254.169.254/'), lost('forbidden_address', '169.254.169.254 may not be called from here')],
      { reason: 'forbidden_address', hops: '302 https://aurora.example/ -> http://169.254.169.254/' },
      /not for them/,
    ],
    [
      'to who does not listen',
      {},
      [redirect('/x'), lost('refused', 'connect ECONNREFUSED')],
      { reason: 'refused' },
      /listens/,
    ],
  ])('%s', async (_, redirects, answers, expected, remedy) => {
    const { verdict } = await look({ redirects }, answers);
    expect(verdict).toMatchObject({ status: 'fail', evidence: expected, remedy: expect.stringMatching(remedy) });
  });

  test('are followed as often as is allowed, and no more', async () => {
    const { asked } = await look({ redirects: { max: 2 } }, [redirect('/a')]);
    expect(asked).toHaveLength(3);
  });

  test('from http to https are what is meant', async () => {
    const { verdict } = await look(
      { redirects: { https: true } },
      [redirect('https://aurora.example/', 308), answered('')],
      'http://aurora.example',
    );
    expect(verdict.status).toBe('pass');
  });
});

test.each<[string, object, RegExp]>([
  ['an unknown key', { pth: '/' }, /Unrecognized key/],
  ['a path without a slash', { path: 'health' }, /begins with/],
  ['an identity by nothing', { identity: {} }, /expected contains, json or header/],
  ['redirects of a POST', { method: 'POST', redirects: {} }, /GET only/],
  ['a header that is none', { headers: { 'a b': 'c' } }, /header/],
  ['no status', { status: [] }, /./],
])('%s is refused when the suite is read', (_, spec, message) => {
  expect(() => httpCheck.bind(spec, { url: 'https://aurora.example', reach: REACH })).toThrow(message);
});

describe('over a real connection', () => {
  const closers: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    await Promise.all(closers.splice(0).map((close) => close()));
  });

  test('who is elsewhere sends nobody to this machine, though it may be looked at', async () => {
    let asked = 0;
    const server = createServer((request, response) => {
      asked += 1;
      response.writeHead(302, { location: `http://127.0.0.1:${request.headers.host?.split(':')[1]}/private` }).end();
    });
    closers.push(() => closeServer(server));
    const { port } = new URL(await listenOnLoopback(server));
    // A name that leads here stands for one that is elsewhere: the first request has to come through.
    const machine = async () => [{ address: '127.0.0.1', family: 4 }];
    const tools = toolsOf(clock, realTools({ servers: ['127.0.0.1:1'], machine }));
    const target = { url: `http://page.example:${port}`, reach: HERE };
    expect(await httpCheck.bind({ redirects: {} }, target)(tools, within(5_000))).toMatchObject({
      status: 'fail',
      evidence: {
        reason: 'forbidden_address',
        hops: `302 http://page.example:${port}/ -> http://127.0.0.1:${port}/private`,
      },
      remedy: expect.stringContaining('not for them'),
    });
    expect(asked).toBe(1);
  });

  test('a redirect to the metadata server ends there', async () => {
    const server = createServer(
      (_, response) => void response.writeHead(302, { location: 'http://0xa9fea9fe/' }).end(),
    );
    closers.push(() => closeServer(server));
    const url = await listenOnLoopback(server);
    const tools = toolsOf(clock, realTools());
    const verdict = await httpCheck.bind({ redirects: {} }, { url, reach: { ...HERE, private: true } })(
      tools,
      within(5_000),
    );
    expect(verdict).toMatchObject({
      status: 'fail',
      evidence: { reason: 'forbidden_address', hops: `302 ${url}/ -> http://169.254.169.254/` },
    });
  });
});

import { createServer, type RequestListener } from 'node:http';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createMetadataTokens } from '#shared/adapters/google/metadata-tokens.ts';
import { fakeClock } from '#test/support/clock.ts';
import { closeServer, listenOnLoopback } from '#test/support/loopback.ts';

let close = async (): Promise<void> => undefined;
afterEach(() => close());

/** A metadata server that answers so. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  close = () => closeServer(server);
  return await listenOnLoopback(server);
}

describe('the token of the metadata server', () => {
  test('is asked for once by all who come together, and again shortly before it ends', async () => {
    let asked = 0;
    const origin = await serve((request, response) => {
      asked += 1;
      const known = request.headers['metadata-flavor'] === 'Google' && request.url?.endsWith('/default/token');
      response.statusCode = known ? 200 : 403;
      response.end(JSON.stringify({ access_token: `token-${asked}`, expires_in: 3_600, token_type: 'Bearer' }));
    });
    const clock = fakeClock();
    const token = createMetadataTokens({ origin, hostClock: clock }).access;
    expect(await Promise.all([token(), token(), token()])).toEqual(['token-1', 'token-1', 'token-1']);
    await clock.advance(55 * 60_000);
    expect(await token()).toBe('token-1');
    await clock.advance(60_000);
    // Nobody waits for the new one while the old one lives.
    expect(await token()).toBe('token-1');
    await vi.waitUntil(async () => (await token()) === 'token-2');
    expect([asked, clock.pending()]).toEqual([2, 0]);
  });

  test('for a cluster tells who it is, and is another than for Google’s APIs', async () => {
    const asked: string[] = [];
    const origin = await serve((request, response) => {
      const url = new URL(request.url ?? '', 'http://x');
      asked.push(`${url.pathname.split('/').at(-1)} ${url.searchParams.get('scopes')}`);
      response.end(JSON.stringify({ access_token: `token-${asked.length}`, expires_in: 3_600 }));
    });
    const tokens = createMetadataTokens({ origin, hostClock: fakeClock() });
    expect([await tokens.cluster(), await tokens.access(), await tokens.cluster()]).toEqual([
      'token-1',
      'token-2',
      'token-1',
    ]);
    expect(asked).toEqual([
      'token https://www.googleapis.com/auth/cloud-platform,https://www.googleapis.com/auth/userinfo.email',
      'token null',
    ]);
  });

  test('a black hole is given up after three seconds, and asked again by the next', async () => {
    let hole = true;
    let asked = 0;
    const origin = await serve((_request, response) => {
      asked += 1;
      if (!hole) response.end(JSON.stringify({ access_token: 'found', expires_in: 3_600 }));
    });
    const clock = fakeClock();
    const token = createMetadataTokens({ origin, hostClock: clock }).access;
    const failing = token().catch((error: unknown) => error);
    await vi.waitUntil(() => asked === 1);
    await clock.advance(3_000);
    expect(await failing).toMatchObject({
      code: 'upstream_unavailable',
      message: expect.stringContaining('metadata server: no answer within 3 s'),
    });
    hole = false;
    expect(await token()).toBe('found');
  });

  test('serves on while the server is away, to half a minute before its end', async () => {
    let [asked, away] = [0, false];
    const origin = await serve((_request, response) => {
      asked += 1;
      response.statusCode = away ? 503 : 200;
      response.end(JSON.stringify({ access_token: `token-${asked}`, expires_in: 3_600 }));
    });
    const clock = fakeClock();
    const token = createMetadataTokens({ origin, hostClock: clock }).access;
    expect(await token()).toBe('token-1');
    away = true;
    await clock.advance(59 * 60_000);
    expect(await token()).toBe('token-1');
    await vi.waitUntil(() => asked === 2 && clock.pending() === 0);
    expect(await token()).toBe('token-1');
    await clock.advance(30_000);
    await expect(token()).rejects.toMatchObject({ message: expect.stringContaining('HTTP 503') });
    away = false;
    expect(await token()).not.toBe('token-1');
  });

  test.each([
    ['HTTP 404', 404, ''],
    ['an answer without a token', 200, '{"access_token":""}'],
    ['an answer without a token', 200, 'not JSON, but secret'],
  ])('%s is an error that tells nothing of the answer', async (why, status, body) => {
    const origin = await serve((_request, response) => {
      response.statusCode = status;
      response.end(body);
    });
    const error = await createMetadataTokens({ origin, hostClock: fakeClock() })
      .access()
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'upstream_unavailable', message: expect.stringContaining(why) });
    expect(String(error)).not.toContain('secret');
  });

  test('an ID token is made out for one audience, and kept until shortly before its own end', async () => {
    const clock = fakeClock();
    const asked: string[] = [];
    const origin = await serve((request, response) => {
      asked.push(new URL(request.url ?? '', 'http://x').searchParams.get('audience') ?? '');
      const claims = { exp: clock.now() / 1_000 + 3_600, n: asked.length };
      response.end(`e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.sig\n`);
    });
    const tokens = createMetadataTokens({ origin, hostClock: clock });
    const [first, again, other] = [
      await tokens.identity('https://score.run.app'),
      await tokens.identity('https://score.run.app'),
      await tokens.identity('https://other.run.app'),
    ];
    expect(again).toBe(first);
    expect(other).not.toBe(first);
    await clock.advance(57 * 60_000);
    await vi.waitUntil(async () => (await tokens.identity('https://score.run.app')) !== first);
    expect(asked).toEqual(['https://score.run.app', 'https://other.run.app', 'https://score.run.app']);
  });

  test('what is no ID token is none', async () => {
    const origin = await serve((_request, response) => response.end('not found, but secret'));
    const error = await createMetadataTokens({ origin, hostClock: fakeClock() })
      .identity('https://x')
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'upstream_unavailable' });
    expect(String(error)).not.toContain('secret');
  });
});

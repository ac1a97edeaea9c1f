import { createLocalJWKSet, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { createCallerCheck, guarded, remoteKeys } from '#shared/runtime/callers.ts';
import type { FunctionApp, FunctionRequest } from '#shared/runtime/types.ts';
import { fakeClock } from '#test/support/clock.ts';

const AUDIENCE = 'https://ingest-1234.run.app';
const PUSHER = 'pusher@my-project.iam.gserviceaccount.com';

let privateKey: Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];
let publicKey: JWK;
beforeAll(async () => {
  const pair = await generateKeyPair('RS256');
  privateKey = pair.privateKey;
  publicKey = { ...(await exportJWK(pair.publicKey)), kid: 'key-1', alg: 'RS256', use: 'sig' };
});

const clock = fakeClock();
const nowS = (): number => clock.now() / 1_000;

interface Claims {
  readonly iss?: string;
  readonly aud?: string;
  readonly exp?: number;
  readonly iat?: number;
  readonly email?: string;
  readonly email_verified?: unknown;
}

const signed = (change: Claims = {}, kid = 'key-1', key = privateKey): Promise<string> =>
  new SignJWT({
    iss: 'https://accounts.google.com',
    aud: AUDIENCE,
    iat: nowS(),
    exp: nowS() + 3_600,
    sub: '1',
    email: PUSHER,
    email_verified: true,
    ...change,
  })
    .setProtectedHeader({ alg: 'RS256', kid })
    .sign(key);

const check = () =>
  createCallerCheck({
    audience: AUDIENCE,
    accounts: [PUSHER],
    keys: createLocalJWKSet({ keys: [publicKey] }),
    hostClock: clock,
  });
const failureOf = (token: string | undefined): Promise<unknown> =>
  check()(token === undefined ? undefined : `Bearer ${token}`).then(
    () => null,
    (error: unknown) => error,
  );

describe('a caller’s ID token', () => {
  test('of an expected service account, made out for this service, lets in', async () => {
    expect(await failureOf(await signed())).toBeNull();
    expect(await failureOf(await signed({ iss: 'accounts.google.com' }))).toBeNull();
  });

  test('a clock that is half a minute off is no reason', async () => {
    expect(await failureOf(await signed({ exp: nowS() - 29 }))).toBeNull();
  });

  test.each<[string, Claims, string, string]>([
    ['another audience', { aud: 'https://other.run.app' }, 'unauthorized', 'aud'],
    ['another issuer', { iss: 'https://evil.example' }, 'unauthorized', 'iss'],
    ['an expired one', { exp: clock.now() / 1_000 - 31 }, 'unauthorized', 'expired'],
    ['one from the future', { iat: clock.now() / 1_000, exp: 1 }, 'unauthorized', 'expired'],
    ['an unverified e-mail', { email_verified: false }, 'unauthorized', 'verified'],
    ['an e-mail verified in words', { email_verified: 'true' }, 'unauthorized', 'verified'],
    ['no e-mail', { email: undefined as unknown as string }, 'unauthorized', 'verified'],
    ['another service account', { email: 'x@other.iam.gserviceaccount.com' }, 'forbidden', 'x@other'],
  ])('%s does not', async (_, claims, code, words) => {
    const token = await signed(claims);
    const error = await failureOf(token);
    expect(error).toMatchObject({ code, message: expect.stringContaining(words) });
    expect(JSON.stringify(error) + String(error)).not.toContain(token.split('.')[2]);
  });

  test('signed by another key, or by none that is known, does not', async () => {
    const { privateKey: stranger } = await generateKeyPair('RS256');
    for (const token of [await signed({}, 'key-1', stranger), await signed({}, 'key-9')])
      expect(await failureOf(token)).toMatchObject({ code: 'unauthorized' });
  });

  test.each([
    [undefined],
    ['x'],
    ['a.b.c'],
    ['eyJhbGciOiJub25lIn0.eyJlbWFpbCI6InB1c2hlciJ9.'],
    [`${'a'.repeat(20_000)}.b.c`],
  ])('%s is none', async (token) => {
    expect(await failureOf(token)).toMatchObject({ code: 'unauthorized' });
  });

  test('keys that cannot be had are a reason to come again', async () => {
    const blind = createCallerCheck({
      audience: AUDIENCE,
      accounts: [PUSHER],
      keys: remoteKeys('http://127.0.0.1:1/certs'),
      hostClock: clock,
    });
    await expect(blind(`Bearer ${await signed()}`)).rejects.toMatchObject({ code: 'upstream_unavailable' });
  });
});

describe('a function behind the check', () => {
  const app: FunctionApp = {
    name: 'ingest',
    handle: () => ({ status: 204 }),
    bodyLimitBytes: 1,
    start: async () => undefined,
    drain: async () => undefined,
  };
  const asked = (path: string, authorization?: string) =>
    guarded(app, check()).handle({ path, headers: { authorization } } as unknown as FunctionRequest);

  test('answers its platform, and whoever has a token', async () => {
    for (const path of ['/health', '/ready', '/metrics']) expect(await asked(path)).toEqual({ status: 204 });
    expect(await asked('/', `Bearer ${await signed()}`)).toEqual({ status: 204 });
  });

  test('answers nobody else', async () => {
    expect(await asked('/')).toMatchObject({ status: 401, body: expect.stringContaining('"unauthorized"') });
    const other = await signed({ email: 'x@other.iam.gserviceaccount.com' });
    expect(await asked('/agent/route', `Bearer ${other}`)).toMatchObject({ status: 403 });
  });
});

/** The whole way of a token: from the metadata server by the tool of the probes to score itself, behind the check of its callers. */
import { createServer } from 'node:http';
import { createLocalJWKSet, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { describe, expect, onTestFinished, test } from 'vitest';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { createMetadataTokens } from '#shared/adapters/google/metadata-tokens.ts';
import type { Verdict } from '#shared/probes/check.ts';
import { canaryScoreCheck } from '#shared/probes/checks/canary-score.ts';
import { httpCheck } from '#shared/probes/checks/http.ts';
import { createToolbox } from '#shared/probes/create-tools.ts';
import { createCallerCheck, guarded } from '#shared/runtime/callers.ts';
import { serveLean } from '#shared/runtime/hosts/lean.ts';
import { closeServer, listenOnLoopback } from '#test/support/loopback.ts';
import { HERE, within } from '#test/support/probe-tools.ts';
import { aRouteRequest } from '#test/support/route-house.ts';
import { scoreHouse } from '#test/support/score-house.ts';

const PROBE = 'aurora-probe@p.iam.gserviceaccount.com';

/** score with offers and its linear heads, which takes those accounts; and a probe that is one. */
async function house(accounts: readonly string[]) {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  const keys = createLocalJWKSet({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'RS256', use: 'sig' }] });
  const metadata = createServer(async ({ url = '' }, response) => {
    const nowS = Math.floor(hostClock.now() / 1_000);
    const claims = {
      iss: 'https://accounts.google.com',
      email: PROBE,
      email_verified: true,
      iat: nowS,
      exp: nowS + 3_600,
    };
    const aud = new URL(url, 'http://x').searchParams.get('audience') ?? '';
    response.end(await new SignJWT({ ...claims, aud }).setProtectedHeader({ alg: 'RS256', kid: 'k' }).sign(privateKey));
  });
  onTestFinished(() => closeServer(metadata));
  const tokens = createMetadataTokens({ origin: await listenOnLoopback(metadata), hostClock });

  const score = await scoreHouse();
  await score.learned('linear');
  // Its audience is its URL, which is known when it listens.
  let check = async (_: string | undefined): Promise<void> => Promise.reject(new Error('not yet'));
  const served = await serveLean(
    guarded(score.app, (authorization) => check(authorization)),
    { port: 0, hostClock },
  );
  check = createCallerCheck({ audience: served.url, accounts, keys, hostClock });
  onTestFinished(() => served.close());

  const toolbox = createToolbox({
    hostClock,
    stopwatchMs: () => performance.now(),
    cluster: null,
    loop: null,
    publishJob: null,
    identity: (audience) => tokens.identity(audience),
  });
  onTestFinished(() => toolbox.close());
  return {
    async scores(idToken: boolean): Promise<Verdict> {
      // The world of the house stands while this machine's clock goes on; how fast is another test's.
      const spec = { request: aRouteRequest(), requests: 2, max_ms: 5_000, max_model_age_s: 3e7, max_data_age_s: 6e5 };
      return canaryScoreCheck.bind(spec, { url: served.url, reach: HERE, idToken })(toolbox.tools(), within(10_000));
    },
    health: async (): Promise<Verdict> =>
      httpCheck.bind({ path: '/health' }, { url: served.url, reach: HERE, idToken: true })(
        toolbox.tools(),
        within(10_000),
      ),
  };
}

describe('score', () => {
  test('scores for the probe, which is one of its callers', async () => {
    const { scores, health } = await house([PROBE]);
    expect(await scores(true)).toMatchObject({ status: 'pass', evidence: { requests: 2, model: 'linear' } });
    expect(await health()).toMatchObject({ status: 'pass' });
  });

  test('not for whoever shows nothing', async () => {
    const { scores } = await house([PROBE]);
    expect(await scores(false)).toMatchObject({ status: 'fail', evidence: { status: 401, code: 'unauthorized' } });
  });

  test('a service of which it is no caller tells how it is, and nothing else', async () => {
    const { scores, health } = await house(['aurora-route@p.iam.gserviceaccount.com']);
    expect(await health()).toMatchObject({ status: 'pass' });
    expect(await scores(true)).toMatchObject({ status: 'fail', evidence: { status: 403, code: 'forbidden' } });
  });
});

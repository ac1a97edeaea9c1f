/** ID tokens of whoever is logged in on this machine. */
import { describe, expect, test } from 'vitest';
import { createDefaultIdentity } from '#shared/adapters/google/default-tokens.ts';

const AUDIENCE = 'https://score.run.app';
const tokenOf = (claims: object): string =>
  `eyJhbGciOiJSUzI1NiJ9.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2lnbmF0dXJl`;

/** A login that answers with these, one after the other; undefined: it fails in words of its own. */
function loginThat(...tokens: readonly (string | undefined)[]) {
  const asked: string[] = [];
  let turn = 0;
  const identity = createDefaultIdentity(async (audience) => {
    asked.push(audience);
    return {
      async getRequestHeaders() {
        const token = tokens[turn++];
        if (token === undefined) throw new Error('refused, and this is what was sent: s3cret');
        return new Headers({ authorization: `Bearer ${token}` });
      },
    };
  });
  return { identity, asked };
}

describe('an ID token of whoever is logged in', () => {
  test('is one for the service that is asked; the library keeps it', async () => {
    const token = tokenOf({ aud: AUDIENCE });
    const { identity, asked } = loginThat(token, token);
    expect([await identity(AUDIENCE), await identity(AUDIENCE)]).toEqual([token, token]);
    expect(asked).toEqual([AUDIENCE]);
  });

  test.each([
    ['of a person, for the client of gcloud', tokenOf({ aud: '764086051850.apps.googleusercontent.com' })],
    ['for nobody', tokenOf({})],
    ['that is none', 'undefined'],
  ])('%s is shown to nobody: it is said how to log in', async (_, token) => {
    const failed = loginThat(token).identity(AUDIENCE);
    await expect(failed).rejects.toMatchObject({
      code: 'identity_missing',
      message: expect.stringMatching(
        /^a person has no ID token for https:\/\/score\.run\.app: log in as an account .*--impersonate-service-account=/,
      ),
    });
    await expect(failed).rejects.not.toMatchObject({ message: expect.stringContaining(token) });
  });

  test('that cannot be had is asked for again, and told in no words of others', async () => {
    const token = tokenOf({ aud: AUDIENCE });
    const { identity, asked } = loginThat(undefined, token);
    const failed = identity(AUDIENCE);
    await expect(failed).rejects.toMatchObject({ code: 'upstream_unavailable' });
    await expect(failed).rejects.not.toMatchObject({ message: expect.stringContaining('s3cret') });
    expect(await identity(AUDIENCE)).toBe(token);
    expect(asked).toHaveLength(2);
  });
});

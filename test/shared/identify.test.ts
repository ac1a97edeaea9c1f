import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sha256Hex } from '#shared/domain/ids.ts';
import type { Tenant } from '#shared/domain/tenant.ts';
import { RejectedError } from '#shared/errors.ts';
import { createIdentify } from '#shared/runtime/identify.ts';
import { testCases } from '#test/support/cases.ts';
import { aTenant, keyOf } from '#test/support/tenants.ts';

const ANN = aTenant('ann', { accounts: ['ann@example.com'] });
const BOB = aTenant('bob');
const TOKEN = 'aaa.bbb.ccc';
const STRANGER = 'ddd.eee.fff';

const accountOf = async (token: string): Promise<string> => {
  if (token === TOKEN) return 'ann@example.com';
  if (token === STRANGER) return 'eve@example.com';
  throw new RejectedError('unauthorized', 'the ID token is not one of Google, or was changed');
};
const identify = (headers: Record<string, string>, tokens = true): Promise<Tenant> =>
  Promise.resolve(headers).then(createIdentify({ tenants: [ANN, BOB], accountOf: tokens ? accountOf : null }));

describe('a tenant', () => {
  test.each<[string, Record<string, string>, Tenant]>([
    ['by its key', { 'x-api-key': keyOf('bob') }, BOB],
    ['by its key as a bearer', { authorization: 'Bearer bobs-key' }, BOB],
    ['by the ID token of its account', { authorization: `Bearer ${TOKEN}` }, ANN],
    [
      'by its key, beside a token for somebody else',
      { 'x-api-key': keyOf('bob'), authorization: `Bearer ${TOKEN}` },
      BOB,
    ],
  ])('is known %s', async (_, headers, tenant) => {
    const tenants = [ANN, aTenant('bob', { key_sha256: [...BOB.key_sha256, sha256Hex('bobs-key')] })];
    const found = await createIdentify({ tenants, accountOf })(headers);
    expect(found.tenant_id).toBe(tenant.tenant_id);
  });

  test('is known at once by its key: nothing is waited for', () => {
    const found = createIdentify({ tenants: [ANN, BOB], accountOf })({ 'x-api-key': keyOf('ann') });
    expect(found).toBe(ANN);
  });

  test('may have two keys, while one takes the place of the other', async () => {
    const renewed = aTenant('ann', { key_sha256: [...ANN.key_sha256, ...BOB.key_sha256] });
    const who = createIdentify({ tenants: [renewed], accountOf: null });
    expect([who({ 'x-api-key': keyOf('ann') }), who({ 'x-api-key': keyOf('bob') })]).toEqual([renewed, renewed]);
  });
});

describe('nobody else', () => {
  test.each<[string, Record<string, string>, boolean, string]>([
    ['without anything', {}, true, 'unauthorized'],
    ['with an empty key', { 'x-api-key': '' }, true, 'unauthorized'],
    ['with a key that is none', { 'x-api-key': 'guess' }, true, 'unauthorized'],
    ['with the hash for the key', { 'x-api-key': ANN.key_sha256[0] ?? '' }, true, 'unauthorized'],
    ['with another scheme', { authorization: `Basic ${keyOf('ann')}` }, true, 'unauthorized'],
    ['with a token that is none', { authorization: 'Bearer xxx.yyy.zzz' }, true, 'unauthorized'],
    ['with a token where none are taken', { authorization: `Bearer ${TOKEN}` }, false, 'unauthorized'],
    ['with a token as a key', { 'x-api-key': TOKEN }, true, 'unauthorized'],
    ['with the token of an account of no tenant', { authorization: `Bearer ${STRANGER}` }, true, 'forbidden'],
  ])('%s', async (_, headers, tokens, code) => {
    await expect(identify(headers, tokens)).rejects.toMatchObject({ code });
  });

  test('whatever is sent: nobody is let in by it, and no error holds it', async () => {
    const secret = fc.string({ minLength: 8, unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz.-_') });
    await fc.assert(
      fc.asyncProperty(secret, fc.constantFrom('x-api-key', 'authorization'), async (given, header) => {
        const value = header === 'authorization' ? `Bearer ${given}` : given;
        const error = await identify({ [header]: value }).catch((thrown: unknown) => thrown);
        expect(error).toMatchObject({ status: 401 });
        expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain(given);
      }),
      { numRuns: testCases },
    );
  });
});

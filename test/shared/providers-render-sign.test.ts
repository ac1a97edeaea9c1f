import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson, canonicalQuery, renderSigner } from '#shared/providers/render/sign.ts';
import { testCases } from '#test/support/cases.ts';
import { anyText } from '#test/support/text.ts';

const TIME = 1_706_918_400_000;
const NONCE = 'a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6';
const sign = renderSigner({
  publicKey: 'pk_abc123',
  secretKey: 'sk_def456',
  hostClock: { now: () => TIME + 0.9 },
  nonceBytes: () => Buffer.from(NONCE, 'hex'),
});

/**
 * Made without this code, with OpenSSL 3.0: `printf '%s' 'pk_abc123|1706918400000|<nonce>|<METHOD>|<path>|<query>|<sha256 of the
 * body>' | openssl dgst -sha256 -hmac sk_def456`. The query of the second is the example of the vendor's documentation, the body's
 * text is what Python's json.dumps gives with sort_keys and compact separators.
 */
describe('a signature', () => {
  test('of a call with a query, whatever the order of its keys', () => {
    const query = { sort: '-created_at', page: '1', limit: '50', 'filter[status]': 'PENDING,RUNNING' };
    expect(sign({ method: 'GET', path: '/v1/jobs', query, body: '' })).toEqual({
      'x-api-key': 'pk_abc123',
      'x-time': '1706918400000',
      'x-nonce': NONCE,
      'x-signature': '03fdeeb6784e0425b5e924a9753b15c41d1e72cd88c5bbd9e7985aac90a32b57',
    });
  });

  test('of the query that the documentation shows', () => {
    expect(sign({ method: 'get', path: '/v1/jobs', query: { page: '1', limit: '10' }, body: '' })).toMatchObject({
      'x-signature': '408fd0843c5520e6818f5e4c31c8de9ad3f218a97c0bc555d2ebc6ce01e4d47f',
    });
  });

  test('of a body: its keys in order at every depth, ASCII only', () => {
    const body = canonicalJson({
      title: 'aurora-0123abcd-r-1',
      left_out: undefined,
      parameters: {
        type: 'docker',
        parameters: { ports: [8080], image: 'a/b', env: { NAME: 'rénder 🚀', '2': 'two', '10': 'ten' } },
      },
    });
    expect(createHash('sha256').update(body).digest('hex')).toBe(
      'a6947af403b952d361e0a33c50d66a55396992ed52d3125d95fcfe8d60ba41d1',
    );
    expect(sign({ method: 'POST', path: '/v1/jobs', query: {}, body })).toMatchObject({
      'x-signature': '2b66ba91d737056bd7bf7654d4b08f31a5602cc84e4f87c79d1b88520c8be1ca',
    });
  });

  test('of no body is that of nothing', () => {
    expect(createHash('sha256').update('').digest('hex')).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
  });
});

describe('one spelling', () => {
  test('a body says the same, in ASCII, however its keys came', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(text).toMatch(/^[ -~]*$/);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(reversed(value))).toBe(text);
      }),
      { numRuns: testCases },
    );
  });

  test('a query says the same, escaped as RFC 3986 has it, however its keys came', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), anyText()), (query) => {
        const text = canonicalQuery(query);
        expect(text).toMatch(/^[A-Za-z0-9._~%&=-]*$/);
        expect(canonicalQuery(reversed(query) as Record<string, string>)).toBe(text);
        const read = new URLSearchParams(text);
        for (const [key, value] of Object.entries(query)) expect(read.get(key)).toBe(value);
        const keys = [...read.keys()];
        expect(keys).toEqual([...keys].sort());
      }),
      { numRuns: testCases },
    );
  });
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, field]) => [key, reversed(field)]),
  );
}

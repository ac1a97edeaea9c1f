import { describe, expect, test } from 'vitest';
import { type KeyPair, renderSigner } from '#shared/providers/render/sign.ts';
import type { FakeRequest } from '#sim/providers/kit/api.ts';
import { createGate } from '#sim/providers/render/gate.ts';

const KEYS: KeyPair = { publicKey: 'pk_1', secretKey: 'sk_1' };
const NOW = Date.UTC(2026, 10, 30);

/** A gate, and requests that are signed at a time of their own. */
function gateAt() {
  let nowMs = NOW;
  let signedMs = NOW;
  let nonces = 0;
  const hostClock = { now: () => nowMs };
  const gate = createGate('pk_1:sk_1', hostClock);
  const numbered = (n: number) => Buffer.from(String(n).padStart(32, '0'), 'hex');
  const request = (more: Partial<FakeRequest> = {}, keys = KEYS, nonce: number | null = null): FakeRequest => {
    if (nonce === null) nonces += 1;
    const nonceBytes = () => numbered(nonce ?? nonces);
    const text = more.text ?? '';
    const path = more.path ?? '/v1/jobs';
    const query = more.query ?? new URLSearchParams();
    const sign = renderSigner({ ...keys, hostClock: { now: () => signedMs }, nonceBytes });
    return {
      operation: 'list_jobs',
      method: 'GET',
      path,
      search: query.toString(),
      query,
      headers: sign({ method: 'GET', path, query: Object.fromEntries(query), body: text }),
      text,
      body: text === '' ? undefined : JSON.parse(text),
      params: [],
      nowMs,
      elsewhere: '',
      fault: null,
      ...more,
    };
  };
  return {
    codeOf: (given: FakeRequest): string | null => {
      const reply = gate(given);
      return reply === null ? null : (reply.body as { error: { code: string } }).error.code;
    },
    request,
    at: (now: number, signed = now) => {
      nowMs = now;
      signedMs = signed;
    },
  };
}

describe("the fake's look at a signature", () => {
  test('passes what is signed as it was sent', () => {
    const { codeOf, request } = gateAt();
    expect(codeOf(request())).toBeNull();
    expect(codeOf(request({ query: new URLSearchParams({ b: '2 *', 'filter[a]': 'é' }) }))).toBeNull();
    expect(codeOf(request({ text: '{"a":[1,{"b":"\\u00e9"}],"c":null}' }))).toBeNull();
  });

  test.each([
    ['another key', {}, { publicKey: 'pk_2', secretKey: 'sk_1' }, 'INVALID_API_KEY'],
    ['another secret', {}, { publicKey: 'pk_1', secretKey: 'sk_2' }, 'INVALID_SIGNATURE'],
    ['keys of a body out of order', { text: '{"b":1,"a":2}' }, KEYS, 'INVALID_SIGNATURE'],
    ['keys out of order further down', { text: '{"a":[{"d":1,"c":2}]}' }, KEYS, 'INVALID_SIGNATURE'],
    ['a body with spaces', { text: '{"a": 1}' }, KEYS, 'INVALID_SIGNATURE'],
    ['a body that is not ASCII', { text: '{"a":"é"}' }, KEYS, 'INVALID_SIGNATURE'],
  ])('refuses %s', (_, more, keys, code) => {
    const { codeOf, request } = gateAt();
    expect(codeOf(request(more, keys))).toBe(code);
  });

  test('refuses what was changed on its way', () => {
    const { codeOf, request } = gateAt();
    expect(codeOf({ ...request(), path: '/v1/job-runs' })).toBe('INVALID_SIGNATURE');
    expect(codeOf({ ...request(), method: 'PUT' })).toBe('INVALID_SIGNATURE');
    expect(codeOf({ ...request(), query: new URLSearchParams({ limit: '1' }) })).toBe('INVALID_SIGNATURE');
    expect(codeOf({ ...request({ text: '{"a":1}' }), text: '{"a":2}', body: { a: 2 } })).toBe('INVALID_SIGNATURE');
    expect(codeOf({ ...request(), headers: {} })).toBe('INVALID_API_KEY');
  });

  test.each([
    [-300_000, null],
    [300_000, null],
    [-300_001, 'TIMESTAMP_OUT_OF_RANGE'],
    [300_001, 'TIMESTAMP_OUT_OF_RANGE'],
  ])('a clock that is off by %i ms: %s', (ms, code) => {
    const { codeOf, request, at } = gateAt();
    at(NOW, NOW + ms);
    expect(codeOf(request())).toBe(code);
  });

  test('a signature that is refused uses no nonce up', () => {
    const { codeOf, request } = gateAt();
    expect(codeOf(request({}, { publicKey: 'pk_1', secretKey: 'sk_2' }, 78))).toBe('INVALID_SIGNATURE');
    expect(codeOf(request({}, KEYS, 78))).toBeNull();
  });

  test('a nonce is good for one call in 24 hours', () => {
    const { codeOf, request, at } = gateAt();
    const again = () => request({}, KEYS, 77);
    const once = again();
    expect(codeOf(once)).toBeNull();
    expect(codeOf(once)).toBe('NONCE_REUSED');
    at(NOW + 24 * 3_600_000);
    expect(codeOf(request())).toBeNull();
    expect(codeOf(again())).toBe('NONCE_REUSED');
    at(NOW + 24 * 3_600_000 + 1);
    expect(codeOf(again())).toBeNull();
    // One that was only recorded is bound by its time.
    expect(codeOf(once)).toBe('TIMESTAMP_OUT_OF_RANGE');
  });
});

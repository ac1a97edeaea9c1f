import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { routeAnswer } from '#functions/route/answer.ts';
import { createScore } from '#functions/score/handler.ts';
import { scoreAnswer } from '#shared/domain/score.ts';
import { ERROR_CATALOGUE, type ErrorBody } from '#shared/errors.ts';
import { posteriorObject } from '#shared/learning/fast/learned-objects.ts';
import { createRegistry } from '#shared/registry/registry.ts';
import type { FunctionApp, FunctionResponse } from '#shared/runtime/types.ts';
import { testCases } from '#test/support/cases.ts';
import { servedPosterior } from '#test/support/learned.ts';
import { aModel } from '#test/support/model.ts';
import { bodyOf } from '#test/support/push.ts';
import { aRouteRequest, FIVE_OFFERS, routeHouse } from '#test/support/route-house.ts';
import { aRequest } from '#test/support/runtime.ts';

const VALID: Readonly<Record<string, unknown>> = {
  ...aRouteRequest(),
  tenant_id: 'acme',
  max_price: 2,
  max_latency_ms: 900,
  min_reputation: 10,
  weights: { price: 1, latency: 0.5 },
  priority: 'normal',
};

const odd = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom('', ' ', 0, -1, 1e308, 5e-324, -0, null, [], {}, '\u0000', '\ud800', '__proto__', 'x'.repeat(200)),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.string({ unit: 'grapheme' }),
);
const mutated = fc
  .record({
    set: fc.dictionary(fc.constantFrom(...Object.keys(VALID), 'request-id', 'features'), odd, { maxKeys: 3 }),
    drop: fc.subarray(Object.keys(VALID), { maxLength: 2 }),
    id: fc.uuid(),
  })
  .map(({ set, drop, id }) =>
    JSON.stringify(
      Object.fromEntries(
        Object.entries({ ...VALID, request_id: id, ...set }).filter(([key]) => !drop.includes(key) || key in set),
      ),
    ),
  );
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const anyBody: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 5, arbitrary: mutated.map(encode) },
  { weight: 2, arbitrary: fc.json().map(encode) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }) },
  // A valid body, one byte of it another.
  {
    weight: 2,
    arbitrary: fc.tuple(mutated, fc.nat(), fc.integer({ min: 0, max: 255 })).map(([text, at, byte]) => {
      const bytes = encode(text);
      bytes[at % bytes.length] = byte;
      return bytes;
    }),
  },
);

const send = async (app: FunctionApp, path: string, body: Uint8Array): Promise<FunctionResponse> =>
  app.handle(aRequest({ method: 'POST', path, body }));

function expectCoded(response: FunctionResponse): void {
  const { error } = bodyOf<ErrorBody>(response);
  expect(Object.keys(ERROR_CATALOGUE)).toContain(error.code);
  expect(ERROR_CATALOGUE[error.code]).toMatchObject({ status: response.status, remedy: error.remedy });
  expect(error.message).not.toBe('');
}

describe('whatever is posted', () => {
  test('to /route: a decision, a coded refusal that changes nothing, or no capacity', async () => {
    const house = routeHouse();
    const created = vi.spyOn(house.state, 'create');
    await house.offer(FIVE_OFFERS);
    const app = await house.app();
    const statuses = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(anyBody, async (body) => {
        const before = [house.bus.published.length, created.mock.calls.length];
        const response = await send(app, '/route', body);
        statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
        const after = [house.bus.published.length, created.mock.calls.length];
        if (response.status === 200) {
          expect(routeAnswer.parse(bodyOf(response)).status).toBe('provisioning');
          return;
        }
        expectCoded(response);
        if (response.status !== 503) expect([...after, response.status < 500]).toEqual([...before, true]);
        else expect(routeAnswer.parse(bodyOf(response)).status).toBe('no_capacity');
      }),
      { numRuns: testCases, seed: 1 },
    );
    // Vacuous unless every kind of answer occurred.
    expect([...statuses.keys()].sort()).toEqual([200, 400, 503]);
    await house.close();
  });

  test('to /agent/route: scores or a coded refusal', async () => {
    const house = routeHouse();
    await house.offer(FIVE_OFFERS);
    const registry = createRegistry({ objects: house.objects, worldClock: house.clock });
    const { manifest, files } = aModel();
    await registry.publishVersion(manifest, files);
    await registry.moveAlias('champion', { version: 'v1', by: 'test', reason: 'test', verdict: null, forced: true });
    await house.objects.write(posteriorObject('v1'), servedPosterior('v1'), {});
    const app = createScore({
      ...house.deps,
      worldClock: house.clock,
      objects: house.objects,
      registry,
      stage: 'auto',
      pause: () => setImmediate(),
    });
    await app.start();
    const statuses = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(anyBody, async (body) => {
        const response = await send(app, '/agent/route', body);
        statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
        if (response.status === 200) {
          const answer = bodyOf(response);
          expect(scoreAnswer.parse(answer)).toEqual(answer);
        } else expectCoded(response);
      }),
      { numRuns: testCases },
    );
    expect([...statuses.keys()].sort()).toEqual([200, 400]);
    await app.drain();
  });
});

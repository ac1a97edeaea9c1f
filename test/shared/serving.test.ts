import { describe, expect, test } from 'vitest';
import { EXPLORATION_EPSILON, OFFERS_STALE_LIMIT_MS, POLL_INTERVAL_MS } from '#shared/defaults.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { EXPLORATION } from '#shared/learning/policy/thompson.ts';
import { modelPolicy, rulesPolicy } from '#shared/serving/acting-policy.ts';
import {
  freshOffers,
  OFFERS_OBJECT,
  offersStaleLimitMs,
  parseOffersSnapshot,
  polledOffers,
} from '#shared/serving/offers.ts';
import { polledObject } from '#shared/serving/polled-object.ts';
import { memoryObjects } from '#test/support/memory-objects.ts';
import { anOffer } from '#test/support/offers.ts';
import { type LogLine, memoryLog } from '#test/support/runtime.ts';

const NOW = Date.UTC(2026, 0, 1);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const snapshot = (offers = [anOffer()]): string => JSON.stringify({ observed_at: rfc3339(NOW), offers });

describe('an object that is polled', () => {
  function polled() {
    const objects = memoryObjects();
    const lines: LogLine[] = [];
    let parses = 0;
    const object = polledObject({
      name: 'a.json',
      objects,
      log: memoryLog(lines),
      parse: (given) => {
        parses += 1;
        return JSON.parse(new TextDecoder().decode(given)) as unknown;
      },
    });
    const write = (text: string) => objects.write('a.json', bytes(text), {});
    return { objects, lines, object, write, parses: () => parses };
  }

  test('is empty until it is there, then holds the newest, and reads nothing twice', async () => {
    const { object, write, parses } = polled();
    await object.refresh();
    expect([object.current(), object.lastError()]).toEqual([null, null]);
    const { generation } = await write('1');
    await object.refresh();
    await object.refresh();
    expect([object.current(), parses()]).toEqual([{ value: 1, generation }, 1]);
    await write('2');
    await object.refresh();
    expect(object.current()?.value).toBe(2);
  });

  test('keeps the last valid value when a newer one is bad: looked at once, said once', async () => {
    const { object, write, lines, parses } = polled();
    await write('1');
    await object.refresh();
    await write('{');
    for (let i = 0; i < 3; i++) await object.refresh();
    expect([object.current()?.value, parses(), lines.length]).toEqual([1, 2, 1]);
    expect(object.lastError()).toContain('SyntaxError');
    await object.refresh();
    expect(object.lastError(), 'it is there as bad as before').toContain('SyntaxError');
    await write('3');
    await object.refresh();
    expect([object.current()?.value, object.lastError()]).toEqual([3, null]);
  });

  test('keeps it too when the store fails or the object is gone', async () => {
    const { object, objects, write, lines } = polled();
    await write('1');
    await object.refresh();
    const { readUnless } = objects;
    objects.readUnless = async () => {
      throw new Error('away');
    };
    for (let i = 0; i < 3; i++) await object.refresh();
    expect([object.current()?.value, object.lastError(), lines.length]).toEqual([1, 'Error: away', 1]);
    objects.readUnless = readUnless;
    await object.refresh();
    expect([object.current()?.value, object.lastError()]).toEqual([1, null]);
    await objects.remove('a.json', {});
    await object.refresh();
    expect(object.current()?.value).toBe(1);
  });
});

describe('offers', () => {
  test.each([
    ['no JSON', bytes('{"offers":['), 'body_not_json'],
    ['no UTF-8', Uint8Array.of(0xff), 'body_not_json'],
    ['nothing', bytes(''), 'body_not_json'],
    ['an offer without a price', bytes(snapshot([anOffer({ usd_per_gpu_hour: 0 })])), 'body_invalid'],
    ['no instant', bytes('{"offers":[]}'), 'body_invalid'],
  ])('%s is no snapshot', (_, given, code) => {
    expect(() => parseOffersSnapshot(given)).toThrow(expect.objectContaining({ code }));
  });

  test('an empty list is a snapshot: every provider sells nothing', () => {
    expect(parseOffersSnapshot(bytes(snapshot([]))).offers).toEqual([]);
  });

  test('are good for half an hour of world time, or three polls where the world runs faster', () => {
    expect(offersStaleLimitMs(1)).toBe(OFFERS_STALE_LIMIT_MS);
    expect(offersStaleLimitMs(600)).toBe(3 * POLL_INTERVAL_MS * 600);
  });

  test.each([1, 600])('are refused past their limit at speed %i, not at it and not from the future', async (speed) => {
    const objects = memoryObjects();
    const offers = polledOffers(objects, memoryLog());
    expect(() => freshOffers(offers.current(), NOW, speed)).toThrow('no offers have been collected yet');
    await objects.write(OFFERS_OBJECT, bytes(snapshot()), {});
    await offers.refresh();
    const limit = offersStaleLimitMs(speed);
    expect(freshOffers(offers.current(), NOW + limit, speed).value.snapshot.offers).toHaveLength(1);
    expect(freshOffers(offers.current(), NOW - 1, speed).value.index.total).toBe(1);
    expect(() => freshOffers(offers.current(), NOW + limit + 1, speed)).toThrow(
      expect.objectContaining({
        code: 'offers_unavailable',
        message: `the offers are from ${rfc3339(NOW)}, past the limit of ${limit / 1000} s`,
      }),
    );
  });
});

describe('the acting policy', () => {
  test('explores a little under the rules, within its budget under a model, or takes the best', () => {
    expect(rulesPolicy(true)).toEqual({ kind: 'epsilon_softened', epsilon: EXPLORATION_EPSILON });
    expect(modelPolicy(true)).toEqual({ kind: 'thompson', ...EXPLORATION });
    for (const policy of [rulesPolicy(false), modelPolicy(false)])
      expect(policy).toEqual({ kind: 'greedy', epsilon: 0 });
  });
});

import { describe, expect, test } from 'vitest';
import { OFFERS_STALE_LIMIT_MS, POLL_INTERVAL_MS } from '#shared/defaults.ts';
import { sha256Hex } from '#shared/domain/ids.ts';
import type { ScoreAnswer } from '#shared/domain/score.ts';
import type { ErrorBody } from '#shared/errors.ts';
import { FEATURE_SET } from '#shared/learning/features.ts';
import { EXPLORATION } from '#shared/learning/policy/thompson.ts';
import type { Objects } from '#shared/ports/objects.ts';
import { aModel, type ModelFixture } from '#test/support/model.ts';
import { bodyOf, post } from '#test/support/push.ts';
import { aRouteRequest, FIVE_OFFERS, NOW, routeHouse } from '#test/support/route-house.ts';
import { aRequest } from '#test/support/runtime.ts';
import { scoreHouse } from '#test/support/score-house.ts';

/** By a person; every version could serve. */
const BACK = { by: 'ann', reason: 'worse', serves: async () => true };

const rulesOf = (answer: ScoreAnswer): number[] => answer.recommendations.map(({ rule_score: score }) => score);
const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => b - a);

describe('modes', () => {
  test('rules: no model; figures of the rules only', async () => {
    const house = await scoreHouse();
    await house.app.start();
    const answer = await house.ask({ include_features: true });
    expect(answer).toMatchObject({ model: null, mode: 'rules', policy: { kind: 'epsilon_softened' }, data_age_s: 0 });
    expect(answer.recommendations.map(({ rank }) => rank)).toEqual([1, 2, 3, 4, 5]);
    expect(rulesOf(answer)).toEqual(sorted(rulesOf(answer)));
    for (const one of answer.recommendations)
      expect(one).toMatchObject({
        expected_utility: null,
        predicted: null,
        reasons: [expect.stringContaining('rules')],
      });
    await house.close();
  });

  test('apprentice: the figures of the model are shown, the rules act', async () => {
    const house = await scoreHouse();
    await house.publish(aModel());
    await house.name('apprentice', 'v1');
    await house.app.start();
    const rules = await (async () => {
      const without = await scoreHouse();
      await without.app.start();
      const answer = await without.ask();
      await without.close();
      return answer;
    })();
    const answer = await house.ask();
    expect(answer).toMatchObject({ mode: 'apprentice', model: { version: 'v1', stage: 'apprentice' } });
    const acting = ({ recommendations }: ScoreAnswer) =>
      recommendations.map(({ offer_id, rank, probability }) => ({ offer_id, rank, probability }));
    expect(acting(answer)).toEqual(acting(rules));
    for (const one of answer.recommendations) expect(one.expected_utility).toEqual(expect.any(Number));
    await house.close();
  });

  test('online: the model ranks; the best has the mass; features come only when asked for', async () => {
    const house = await scoreHouse();
    await house.publish(aModel());
    await house.learned('v1');
    await house.name('apprentice', 'v1');
    await house.name('champion', 'v1');
    await house.app.start();
    const answer = await house.ask();
    const utilities = answer.recommendations.map(({ expected_utility: value }) => value ?? Number.NaN);
    expect(answer).toMatchObject({ mode: 'online', model: { version: 'v1', stage: 'online', age_s: 0 } });
    expect(utilities).toEqual(sorted(utilities));
    expect(utilities).not.toEqual(rulesOf(answer));
    expect(answer.policy).toEqual({ kind: 'thompson', ...EXPLORATION });
    expect(answer.recommendations[0]?.probability).toBeGreaterThan(0.5);
    expect(answer.recommendations.some((one) => 'features' in one)).toBe(false);
    const features = (await house.ask({ include_features: true })).recommendations[0]?.features;
    expect(features).toMatchObject({ set: FEATURE_SET.set, hash: FEATURE_SET.hash });
    expect((await house.ask({ priority: 'critical' })).recommendations[0]?.probability).toBe(1);
    await house.close();
  });

  test('nothing fits: 200, no recommendation, the nearest misses', async () => {
    const house = await scoreHouse();
    await house.app.start();
    expect(await house.ask({ max_price: 0.01 })).toMatchObject({ recommendations: [], excluded_total: 5 });
    await house.close();
  });
});

describe('answers from memory', () => {
  test('a store that hangs after the start holds nobody up', async () => {
    const source = await scoreHouse();
    await source.publish(aModel());
    await source.name('champion', 'v1');
    let hangs = false;
    const never = new Promise<never>(() => undefined);
    const objects: Objects = {
      ...source.objects,
      read: (name) => (hangs ? never : source.objects.read(name)),
      readUnless: (name, generation) => (hangs ? never : source.objects.readUnless(name, generation)),
      list: (prefix, page) => (hangs ? never : source.objects.list(prefix, page)),
    };
    const house = await scoreHouse({ objects });
    await house.app.start();
    hangs = true;
    await house.poll();
    expect((await house.ask()).model?.version).toBe('v1');
    // Not drained: its poll hangs for ever. It holds no timer.
    expect(house.clock.pending()).toBe(0);
  });

  test('it answers at once: no promise, so no turn of the event loop', async () => {
    const house = await scoreHouse();
    await house.app.start();
    const body = JSON.stringify(aRouteRequest());
    expect(house.app.handle(aRequest({ method: 'POST', path: '/agent/route', body }))).toMatchObject({ status: 200 });
    await house.close();
  });

  test('without offers, or with stale ones: 503 and not ready', async () => {
    const empty = await scoreHouse({ objects: routeHouse().objects });
    await empty.app.start();
    const none = await post(empty.app, '/agent/route', aRouteRequest());
    expect([none.status, bodyOf<ErrorBody>(none).error.code]).toEqual([503, 'offers_unavailable']);
    await empty.close();

    const house = await scoreHouse();
    await house.app.start();
    await house.clock.advance(OFFERS_STALE_LIMIT_MS);
    expect((await house.ask()).data_age_s).toBe(1800);
    await house.clock.advance(1);
    const stale = await post(house.app, '/agent/route', aRouteRequest());
    expect([stale.status, bodyOf<ErrorBody>(stale).error.code]).toEqual([503, 'offers_unavailable']);
    await house.offer(FIVE_OFFERS);
    await house.poll();
    expect((await house.ask()).data_age_s).toBe(POLL_INTERVAL_MS / 1000);
    await house.close();
  });
});

describe('hot reload', () => {
  const V2 = aModel({ version: 'v2', seed: 2 });
  const weights = V2.files['weights.bin'];
  const flipped = weights.slice();
  flipped[100] = (flipped[100] ?? 0) ^ 1;
  const lengthened = new Uint8Array(weights.length + 4);
  lengthened.set(weights);
  const file = (bytes: Uint8Array) => ({ sha256: sha256Hex(bytes), bytes: bytes.byteLength });
  const name = (version: string, path: string): string => `models/router/${version}/${path}`;

  /** A house in which v1 serves online, and v2 is on record. */
  async function serving(v2: ModelFixture = V2) {
    const house = await scoreHouse({ worldStands: true });
    await house.publish(aModel());
    await house.learned('v1', 'v2', 'v3');
    await house.name('champion', 'v1');
    await house.app.start();
    await house.publish(v2);
    return house;
  }

  test('promotion swaps at the next poll; rollback swaps back; rollback to none leaves the apprentice, then the rules', async () => {
    const house = await serving();
    const before = await house.ask();
    await house.name('champion', 'v2');
    expect((await house.ask()).model?.version).toBe('v1');
    await house.poll();
    const after = await house.ask();
    expect(after.model).toMatchObject({ version: 'v2', stage: 'online' });
    expect(after.recommendations).not.toEqual(before.recommendations);
    await house.registry.rollback('champion', BACK);
    await house.poll();
    expect((await house.ask()).recommendations).toEqual(before.recommendations);
    await house.name('apprentice', 'v2');
    await house.registry.rollback('champion', BACK);
    await house.poll();
    expect(await house.ask()).toMatchObject({ mode: 'apprentice', model: { version: 'v2', stage: 'apprentice' } });
    await house.name('apprentice', null);
    await house.poll();
    expect(await house.ask()).toMatchObject({ mode: 'rules', model: null });
    await house.close();
  });

  test.each<[string, Uint8Array, RegExp]>([
    ['a flipped bit', flipped, /artefact_corrupt|expected sha256/],
    ['truncated weights', weights.slice(0, -4), /expected \d+ bytes, got \d+/],
    ['lengthened weights', lengthened, /expected \d+ bytes, got \d+/],
    ['no weights at all', new Uint8Array(), /expected \d+ bytes, got 0/],
  ])('%s: the old model stays, the log says why, once', async (_, bytes, why) => {
    const house = await serving();
    const before = await house.ask();
    house.objects.corrupt(name('v2', 'weights.bin'), bytes);
    await house.name('champion', 'v2');
    await house.poll();
    await house.poll();
    expect((await house.ask()).recommendations).toEqual(before.recommendations);
    expect(house.errors()).toEqual([expect.stringMatching(why)]);
    // A good successor serves nevertheless.
    await house.publish(aModel({ version: 'v3', seed: 3 }));
    await house.name('champion', 'v3');
    await house.poll();
    expect((await house.ask()).model?.version).toBe('v3');
    await house.close();
  });

  test.each<[string, ModelFixture, RegExp]>([
    [
      'the manifest of another feature set',
      { ...V2, manifest: { ...V2.manifest, feature_set: { set: 'router-0', hash: 'x' } } },
      /feature set/,
    ],
    [
      'weights of another size whose hashes are right',
      {
        manifest: { ...V2.manifest, files: { ...V2.manifest.files, 'weights.bin': file(lengthened) } },
        files: { ...V2.files, 'weights.bin': lengthened },
      },
      /bytes/,
    ],
    [
      'weights that do not give the golden output',
      {
        manifest: { ...V2.manifest, golden: { ...V2.manifest.golden, output: [9, 9, 9, 9, 9] } },
        files: V2.files,
      },
      /golden/,
    ],
  ])('%s: the old model stays, the log says why', async (_, v2, why) => {
    const house = await serving(v2);
    const before = await house.ask();
    await house.name('champion', 'v2');
    await house.poll();
    expect((await house.ask()).recommendations).toEqual(before.recommendations);
    expect(house.errors()).toEqual([expect.stringMatching(why)]);
    await house.close();
  });

  test('a manifest that is no JSON any more: the old model stays', async () => {
    const house = await serving();
    await house.name('champion', 'v2');
    house.objects.corrupt(name('v2', 'manifest.json'), new TextEncoder().encode('{'));
    await house.poll();
    expect((await house.ask()).model?.version).toBe('v1');
    expect(house.errors()).toHaveLength(1);
    await house.close();
  });

  test('nothing good to fall back on: the rules answer', async () => {
    const house = await scoreHouse();
    await house.publish(aModel());
    house.objects.corrupt(name('v1', 'weights.bin'), flipped);
    await house.name('champion', 'v1');
    await house.app.start();
    expect(await house.ask()).toMatchObject({ mode: 'rules', model: null });
    expect(house.errors()).toHaveLength(1);
    await house.close();
  });

  test('the store comes back after an outage: what was promoted meanwhile serves', async () => {
    const house = await serving();
    let away = true;
    const read = house.objects.read;
    Object.assign(house.objects, {
      read: async (object: string) => {
        if (away) throw new Error('the store is away');
        return read(object);
      },
    });
    await house.poll();
    expect((await house.ask()).model?.version).toBe('v1');
    away = false;
    await house.name('champion', 'v2');
    await house.poll();
    expect((await house.ask()).model?.version).toBe('v2');
    await house.close();
  });

  test('age of the model is in world seconds', async () => {
    const house = await scoreHouse();
    await house.publish({ ...V2, manifest: { ...V2.manifest, created_at: new Date(NOW - 5_000).toISOString() } });
    await house.name('champion', 'v2');
    await house.app.start();
    await house.clock.advance(POLL_INTERVAL_MS);
    expect((await house.ask()).model?.age_s).toBe(5 + POLL_INTERVAL_MS / 1000);
    await house.close();
  });
});

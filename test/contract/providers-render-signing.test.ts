import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hostClock } from '#shared/adapters/clock/host.ts';
import type { Provider } from '#shared/providers/provider.ts';
import { renderProvider } from '#shared/providers/render/index.ts';
import { errorOf, type House, makeHouse, soon } from './providers-world.ts';
import { render } from './render-subject.ts';

describe('calls to render are signed', () => {
  let house: House;
  let provider: Provider;
  beforeEach(async () => {
    house = await makeHouse(render);
    // Long enough that a busy machine is not taken for a silent one: calls are counted here.
    provider = house.connect({ attemptMs: 1_000 });
  });
  afterEach(() => house.close());

  test.each(['clock_skew', 'nonce_reused', 'bad_signature'])(
    '%s: the key does not open, and is not tried again',
    async (fault) => {
      house.fake.faults.set([{ fault }]);
      for (const call of [
        () => provider.offers({}, soon()),
        () => provider.find('r-4', soon()),
        () => provider.health(soon()),
      ]) {
        const before = house.fake.log().length;
        const error = await errorOf(call());
        expect(error).toMatchObject({ code: 'provider_unauthorized', retryable: false });
        expect(error.message).toMatch(/TIMESTAMP|NONCE|SIGNATURE|X-/);
        expect(error.remedy).toContain('clock');
        expect(house.fake.log().length - before).toBe(1);
      }
    },
  );

  test('a clock that is six minutes off is told by the server; four are let pass', async () => {
    const off = (ms: number) => ({ ...hostClock, now: () => hostClock.now() + ms });
    // Its deadlines are its own clock's too.
    const health = (ms: number) =>
      house.connect({ hostClock: off(ms), pace: optionsOf().pace }).health({ deadline: hostClock.now() + ms + 1_000 });
    for (const ms of [-4 * 60_000, 4 * 60_000]) expect(await health(ms)).toBeDefined();
    for (const ms of [-6 * 60_000, 6 * 60_000])
      expect(await errorOf(health(ms))).toMatchObject({
        code: 'provider_unauthorized',
        message: expect.stringContaining('5 minutes'),
      });
  });

  test('each attempt is signed anew; one nonce twice is refused', async () => {
    house.fake.faults.set([{ fault: '500', operation: 'list_jobs', times: 2 }]);
    expect(await provider.find('r-5', soon())).toBeNull();
    expect(
      house.fake
        .log()
        .slice(0, 3)
        .map(({ status }) => status),
    ).toEqual([500, 500, 200]);
    const same = renderProvider({ ...optionsOf(), nonceBytes: () => new Uint8Array(16).fill(7) });
    expect(await same.health(soon())).toBeDefined();
    expect((await errorOf(same.health(soon()))).message).toContain('X-Nonce');
    await same.close();
  });

  const optionsOf = () => ({
    baseUrl: house.fake.url,
    key: render.key,
    fleet: '0123abcd',
    hostClock,
    worldClock: house.worldClock,
    random: () => 0,
    metrics: house.metrics,
    pace: { reserve: async () => undefined, penalise: async () => undefined, waitMs: async () => 0 },
  });

  test.each(['pk_only', 'a:b:c', ':secret-of-nobody', 'public:', ''])(
    'a key that is no pair is refused, untold: %j',
    (key) => {
      try {
        renderProvider({ ...optionsOf(), key });
        expect.unreachable();
      } catch (error) {
        expect(error).toMatchObject({ code: 'config_invalid' });
        if (key.length > 5) expect((error as Error).message).not.toContain(key);
      }
    },
  );
});

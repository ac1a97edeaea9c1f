import { beforeAll, describe, expect, test } from 'vitest';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { Alias } from '#shared/registry/registry.ts';
import type { Verdict } from '#shared/registry/verdict.ts';
import { aModel, type ModelFixture } from '#test/support/model.ts';
import {
  BACK,
  FEW,
  MANY,
  promoteHouse,
  RECORD,
  trainedOn,
  untrained,
  watermarkOf,
} from '#test/support/promote-house.ts';
import { maturedMs } from '#test/support/record.ts';

const untrainedToo = aModel({ version: 'untrained-too', seed: 6 });
let small: ModelFixture;
let tiny: ModelFixture;
let good: ModelFixture;
let bad: ModelFixture;
beforeAll(async () => {
  small = await trainedOn(FEW);
  tiny = await trainedOn(100);
  good = await trainedOn(MANY);
  bad = untrained(good);
});

type House = ReturnType<typeof promoteHouse>;

/** A verdict of before, so that nothing is judged again. */
const standing = (decidedAt: string): Verdict => ({
  verdict: 'promote',
  reasons: ['proved'],
  checks: [],
  metrics: {},
  decided_at: decidedAt,
  compared_with: null,
});

describe('what cannot be judged', () => {
  test('nobody published it: quarantined, for a verdict would have no place', async () => {
    const house = promoteHouse();
    expect(await house.hear(good)).toBe(204);
    expect(house.bus.payloads('event-rejected')).toMatchObject([{ function_name: 'promote', code: 'version_unknown' }]);
  });

  test('the champion is broken: the version is judged without it, and may follow it', async () => {
    const house = promoteHouse();
    await house.publish(bad);
    await house.force('champion', 'untrained', maturedMs(FEW));
    house.objects.corrupt('models/router/untrained/weights.bin', new Uint8Array(3));
    await house.publish(good);
    expect(await house.hear(good)).toBe(204);
    expect(await house.verdict(good)).toMatchObject({ verdict: 'promote', compared_with: 'linear' });
    expect(await house.head('champion')).toBe(good.manifest.version);
    expect(house.deps.lines.filter(({ level }) => level === 'error')).toMatchObject([
      { fields: { model_version: 'untrained' } },
    ]);
  });

  test('the alias log is damaged: mended first, then the version is judged and follows', async () => {
    const house = promoteHouse();
    await house.publish(bad);
    await house.force('champion', 'untrained', maturedMs(FEW));
    house.objects.corrupt('aliases/champion/000001.json', new Uint8Array([123]));
    house.objects.corrupt('aliases/champion.json', new Uint8Array([123]));
    await house.publish(good);
    expect(await house.hear(good)).toBe(204);
    expect(await house.verdict(good)).toMatchObject({ verdict: 'promote' });
    expect(house.bus.payloads('event-rejected')).toEqual([]);
    // Whom it named cannot be known any more, so nobody; then the version that was proved.
    expect(house.moves()).toEqual([
      ['champion', null, 2],
      ['champion', good.manifest.version, 3],
    ]);
    expect(await house.head('champion')).toBe(good.manifest.version);
  });
});

describe('delivered again', () => {
  test('changes nothing: one verdict, one move, one event id', async () => {
    const house = promoteHouse();
    await house.publish(good);
    await house.hear(good);
    const verdict = await house.verdict(good);
    await house.clock.advance(3_600_000);
    for (let i = 0; i < 3; i++) expect(await house.hear(good)).toBe(204);
    expect(await house.verdict(good)).toEqual(verdict);
    expect(await house.registry.aliasHistory('champion')).toHaveLength(1);
    expect(house.bus.distinct('model-promoted')).toHaveLength(1);
  });

  const killedEverywhere = async (
    model: () => ModelFixture,
    alias: Alias,
    prepare: (house: House) => Promise<void>,
    record = RECORD,
  ): Promise<number> => {
    let deaths = 0;
    // Before a call the stores are as after the one before it.
    for (let step = 1; ; step++) {
      const house = promoteHouse(record);
      await house.publish(model());
      await prepare(house);
      const had = (await house.registry.aliasHistory(alias)).length;
      house.deaths.killAt(step, 'after');
      await house.hear(model());
      const died = house.deaths.revive();
      const written = await house.verdict(model());
      await house.clock.advance(60_000);
      expect(await house.hear(model())).toBe(204);
      const verdict = await house.verdict(model());
      // What was written before the kill stands.
      if (written !== null) expect(verdict).toEqual(written);
      expect(await house.head(alias)).toBe(model().manifest.version);
      expect(await house.registry.aliasHistory(alias)).toHaveLength(had + 1);
      // Every move, also one whose maker did not live to tell.
      expect(house.bus.distinct('model-promoted')).toHaveLength(had + 1);
      expect(new Set(house.moves().map(String)).size).toBe(had + 1);
      if (!died) break;
      deaths += 1;
    }
    return deaths;
  };

  test('killed at any step on the way to apprentice', async () => {
    expect(
      await killedEverywhere(
        () => tiny,
        'apprentice',
        async () => undefined,
        RECORD.slice(0, 100),
      ),
    ).toBeGreaterThan(10);
  });

  test('killed at any step on the way to champion, its verdict long written', async () => {
    const prepare = async (house: House): Promise<void> => {
      await house.publish(bad);
      await house.force('champion', 'untrained', maturedMs(FEW));
      await house.registry.writeVerdict(good.manifest.version, standing(watermarkOf(MANY)));
    };
    expect(await killedEverywhere(() => good, 'champion', prepare, [])).toBeGreaterThan(8);
  });
});

describe('delivered late', () => {
  test('after a rollback: what was taken back stays back, both moves are announced', async () => {
    const house = promoteHouse();
    await house.publish(good);
    await house.registry.writeVerdict(good.manifest.version, standing(rfc3339(house.clock.now())));
    await house.hear(good);
    await house.clock.advance(1_000);
    await house.registry.rollback('champion', BACK);
    await house.hear(good);
    expect(await house.head('champion')).toBeNull();
    expect(house.moves()).toEqual([
      ['champion', good.manifest.version, 1],
      ['champion', null, 2],
    ]);
  });

  test('when another has followed meanwhile: it does not come back', async () => {
    const house = promoteHouse();
    await house.publish(good);
    await house.registry.writeVerdict(good.manifest.version, standing(rfc3339(house.clock.now())));
    house.bus.failNext(1);
    expect(await house.hear(good)).toBe(503);
    await house.clock.advance(1_000);
    await house.publish(bad);
    await house.force('champion', 'untrained', house.clock.now());
    expect(await house.hear(good)).toBe(204);
    expect(await house.head('champion')).toBe('untrained');
    // That it had been champion is announced all the same: the event was owed.
    expect(house.moves()).toEqual([
      ['champion', good.manifest.version, 1],
      ['champion', 'untrained', 2],
    ]);
  });

  test('with a verdict but no move, and somebody has moved the alias since: it stays', async () => {
    const house = promoteHouse();
    await house.publish(good);
    await house.publish(bad);
    await house.registry.writeVerdict(good.manifest.version, standing(rfc3339(house.clock.now())));
    await house.force('champion', 'untrained', house.clock.now() + 1);
    await house.hear(good);
    expect(await house.head('champion')).toBe('untrained');
    expect(house.moves()).toEqual([['champion', 'untrained', 1]]);
  });

  test('never judged before, and one that learned from more is in office: it does not take its place', async () => {
    const house = promoteHouse();
    await house.publish(small);
    const { manifest, files } = aModel({ version: 'later', seed: 9 });
    await house.publish({ manifest: { ...manifest, training: good.manifest.training }, files });
    await house.force('apprentice', 'later', maturedMs(FEW));
    expect(await house.hear(small)).toBe(204);
    expect(await house.verdict(small)).toMatchObject({ verdict: 'not-enough-evidence' });
    expect(await house.head('apprentice')).toBe('later');
  });

  test('while somebody else moves the alias: comes again and decides anew', async () => {
    const house = promoteHouse();
    await house.publish(good);
    await house.publish(bad);
    const list = house.objects.list;
    let raced = false;
    Object.assign(house.objects, {
      // The verdict is out; between the look at the log and the move, a person is faster.
      list: async (prefix: string, page?: object) => {
        const found = await list(prefix, page);
        if (prefix === 'aliases/champion/' && !raced && (await house.verdict(good)) !== null) {
          raced = true;
          await house.force('champion', 'untrained', house.clock.now() + 5_000);
        }
        return found;
      },
    });
    expect(await house.hear(good)).toBe(503);
    expect(await house.hear(good)).toBe(204);
    expect(await house.head('champion')).toBe('untrained');
  });

  test('while the champion changes under the comparison: no verdict, and the next delivery compares with the new one', async () => {
    const house = promoteHouse();
    await house.publish(good, bad, untrainedToo);
    await house.force('champion', 'untrained', maturedMs(FEW));
    const { read } = house.objects;
    let looks = 0;
    Object.assign(house.objects, {
      // First to see whether it loads, then to compare with it.
      read: async (name: string) => {
        if (name === 'models/router/untrained/weights.bin' && ++looks === 2)
          await house.force('champion', 'untrained-too', house.clock.now());
        return read(name);
      },
    });
    expect(await house.hear(good)).toBe(503);
    expect(await house.verdict(good)).toBeNull();
    await house.clock.advance(1_000);
    expect(await house.hear(good)).toBe(204);
    expect(await house.verdict(good)).toMatchObject({ verdict: 'promote', compared_with: 'untrained-too' });
    expect(await house.head('champion')).toBe(good.manifest.version);
  });
});

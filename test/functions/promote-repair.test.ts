import { describe, expect, test } from 'vitest';
import { TransientError } from '#shared/errors.ts';
import type { Verdict } from '#shared/registry/verdict.ts';
import { aModel, type ModelFixture } from '#test/support/model.ts';
import { BACK, promoteHouse } from '#test/support/promote-house.ts';

/** promote keeps the aliases on versions that load. No record: what is judged here has not enough evidence. */
const [V1, V2, V3, V4] = ['v1', 'v2', 'v3', 'v4'].map((version, i) =>
  aModel({ version, hidden: [2], seed: i + 1 }),
) as [ModelFixture, ModelFixture, ModelFixture, ModelFixture];
type House = ReturnType<typeof promoteHouse>;

const weightsOf = (version: string): string => `models/router/${version}/weights.bin`;
async function damage({ objects }: House, ...versions: string[]): Promise<void> {
  for (const version of versions) {
    const bytes = (await objects.read(weightsOf(version)))?.bytes ?? new Uint8Array();
    objects.corrupt(weightsOf(version), bytes.with(8, (bytes[8] ?? 0) ^ 1));
  }
}

/** The champion alias named these one after the other, by hand; the world knows. */
async function ruledBy(...versions: (string | null)[]): Promise<House> {
  const house = promoteHouse([]);
  await house.publish(V1, V2, V3, V4);
  for (const version of versions) await house.force('champion', version);
  await house.tick();
  await house.clock.advance(1_000);
  return house;
}

const proved = (house: House, changes: Partial<Verdict> = {}): Verdict => ({
  verdict: 'promote',
  reasons: ['proved'],
  checks: [],
  metrics: {},
  decided_at: new Date(house.clock.now()).toISOString(),
  compared_with: null,
  ...changes,
});
const errors = ({ deps }: House) => deps.lines.filter(({ level }) => level === 'error').map(({ fields }) => fields);
const story = async ({ registry }: House, alias: 'champion' | 'apprentice' = 'champion') =>
  (await registry.aliasHistory(alias)).map(({ version }) => version);

describe('a champion that does not load', () => {
  test('gives way to the version before it, on record with its reason, said once and announced once', async () => {
    const house = await ruledBy('v1', 'v2');
    await damage(house, 'v2');
    for (let i = 0; i < 3; i++) expect(await house.tick()).toBe(200);
    expect(await house.registry.aliasHistory('champion')).toMatchObject([
      { version: 'v1' },
      { version: 'v2' },
      {
        sequence: 3,
        version: 'v1',
        previous_version: 'v2',
        by: 'promote',
        verdict: null,
        forced: false,
        reason: expect.stringMatching(/^artefact_damaged: artefact_corrupt: weights.bin of model v2: expected sha256/),
      },
    ]);
    expect(errors(house)).toMatchObject([{ alias: 'champion', model_version: 'v2', moved_to: 'v1' }]);
    expect(house.bus.payloads('model-promoted').at(-1)).toMatchObject({
      version: 'v1',
      previous_version: 'v2',
      promoted_by: 'promote',
      reason: expect.stringContaining('artefact_damaged'),
    });
    expect(house.moves()).toHaveLength(3);
  });

  test('the ones before it that do not load either are passed over; at the end there is none', async () => {
    const house = await ruledBy('v1', 'v2', 'v3');
    await damage(house, 'v2', 'v3');
    await house.tick();
    expect(await story(house)).toEqual(['v1', 'v2', 'v3', 'v1']);
    await damage(house, 'v1');
    await house.tick();
    expect(await story(house)).toEqual(['v1', 'v2', 'v3', 'v1', null]);
    await house.tick();
    expect(await story(house)).toHaveLength(5);
  });

  test('a person may still go back further', async () => {
    const house = await ruledBy('v1', 'v2', 'v3');
    await damage(house, 'v3');
    await house.tick();
    await house.registry.rollback('champion', BACK);
    expect(await house.head('champion')).toBe('v1');
  });

  test.each<[string, (house: House) => unknown]>([
    [
      'golden',
      (house) =>
        house.publish({
          ...V2,
          manifest: { ...V2.manifest, version: 'odd', golden: { ...V2.manifest.golden, output: [9, 9, 9, 9, 9] } },
        }),
    ],
    [
      'feature set',
      (house) =>
        house.publish({
          ...V2,
          manifest: { ...V2.manifest, version: 'odd', feature_set: { set: 'router-0', hash: 'x' } },
        }),
    ],
  ])('also by its %s', async (_, publish) => {
    const house = await ruledBy('v1');
    await publish(house);
    await house.force('champion', 'odd');
    await house.tick();
    expect(await story(house)).toEqual(['v1', 'odd', 'v1']);
  });

  test('its successor is compared with the one that took its place', async () => {
    const house = await ruledBy('v1', 'v2');
    await damage(house, 'v2');
    await house.publish(aModel({ version: 'next', hidden: [2], seed: 9 }));
    expect(await house.hear(aModel({ version: 'next', hidden: [2], seed: 9 }))).toBe(204);
    expect(await house.head('champion')).toBe('v1');
    expect(errors(house)).toHaveLength(1);
  });
});

test('an apprentice that does not load gives way too', async () => {
  const house = await ruledBy('v1');
  for (const version of ['v2', 'v3']) await house.force('apprentice', version);
  await damage(house, 'v3');
  await house.tick();
  expect(await story(house, 'apprentice')).toEqual(['v2', 'v3', 'v2']);
  expect(await story(house)).toEqual(['v1']);
});

test('whole aliases are left alone, and nothing is written', async () => {
  const house = await ruledBy('v1', 'v2');
  const { writes } = house.objects;
  for (let i = 0; i < 3; i++) expect(await house.tick()).toBe(200);
  expect(house.objects.writes).toBe(writes);
  expect(house.moves()).toHaveLength(2);
});

test('a store that is away is no damage: 503, nothing moves', async () => {
  const house = await ruledBy('v1', 'v2');
  const { read } = house.objects;
  Object.assign(house.objects, {
    read: async (name: string) => {
      if (name === weightsOf('v2')) throw new TransientError('objects_unavailable', 'away');
      return read(name);
    },
  });
  expect(await house.tick()).toBe(503);
  Object.assign(house.objects, { read });
  expect(await story(house)).toEqual(['v1', 'v2']);
});

test('a person is faster than the repair: their word stands', async () => {
  const house = await ruledBy('v1', 'v2');
  await damage(house, 'v2');
  const { read } = house.objects;
  let raced = false;
  Object.assign(house.objects, {
    read: async (name: string) => {
      if (name === weightsOf('v2') && !raced) {
        raced = true;
        await house.force('champion', 'v3');
      }
      return read(name);
    },
  });
  expect(await house.tick()).toBe(200);
  expect(await story(house)).toEqual(['v1', 'v2', 'v3']);
});

test('killed at any step of a repair: one move, told once', async () => {
  for (const when of ['before', 'after'] as const) {
    for (let step = 1; ; step++) {
      const house = await ruledBy('v1', 'v2');
      await damage(house, 'v2');
      house.deaths.killAt(step, when);
      await house.tick();
      const died = house.deaths.revive();
      expect(await house.tick()).toBe(200);
      expect(await story(house)).toEqual(['v1', 'v2', 'v1']);
      expect(house.bus.distinct('model-promoted')).toHaveLength(3);
      if (!died) break;
    }
  }
});

describe('an alias whose latest entry is damaged', () => {
  const spoil = ({ objects }: House, ...names: string[]): void => {
    for (const name of names) objects.corrupt(`aliases/${name}.json`, new Uint8Array([123]));
  };

  test('says again what the copy of the entry says', async () => {
    const house = await ruledBy('v1', 'v2');
    spoil(house, 'champion/000002');
    await house.tick();
    expect(await house.registry.aliasHead('champion')).toMatchObject({
      sequence: 3,
      version: 'v2',
      reason: expect.stringMatching(/^alias_damaged: .*000002.json/),
    });
    // The line goes on as if nothing had been.
    await house.registry.rollback('champion', BACK);
    expect(await house.head('champion')).toBe('v1');
  });

  test('names none when the copy is lost too: what a person had taken back must not come back', async () => {
    const house = await ruledBy('v1', 'v2', null);
    spoil(house, 'champion/000003', 'champion');
    await house.tick();
    expect(await house.registry.aliasHead('champion')).toMatchObject({ sequence: 4, version: null });
  });
});

describe('a version once damaged', () => {
  test('is not promoted on its standing verdict', async () => {
    const house = await ruledBy('v1');
    await house.registry.writeVerdict('v2', proved(house));
    await damage(house, 'v2');
    expect(await house.hear(V2)).toBe(204);
    expect(await story(house)).toEqual(['v1']);
  });

  test('and taken back does not return by a late verdict, be it mended; by force it does', async () => {
    const house = await ruledBy('v1', 'v2');
    const whole = (await house.objects.read(weightsOf('v2')))?.bytes ?? new Uint8Array();
    await damage(house, 'v2');
    await house.tick();
    house.objects.corrupt(weightsOf('v2'), whole);
    await house.clock.advance(1_000);
    await house.registry.writeVerdict('v2', proved(house));
    expect(await house.hear(V2)).toBe(204);
    expect(await house.head('champion')).toBe('v1');
    await house.force('champion', 'v2');
    await house.tick();
    expect(await house.head('champion')).toBe('v2');
  });

  test('does not keep a successor out whose verdict came before it was taken back', async () => {
    const house = await ruledBy('v1');
    await house.registry.writeVerdict('v2', proved(house));
    await house.clock.advance(1_000);
    await damage(house, 'v1');
    await house.tick();
    expect(await house.head('champion')).toBeNull();
    expect(await house.hear(V2)).toBe(204);
    expect(await house.head('champion')).toBe('v2');
  });
});

test('a move by hand whose maker did not live to tell is told', async () => {
  const house = await ruledBy('v1');
  await house.force('champion', 'v2');
  await house.force('apprentice', 'v3');
  expect(house.moves()).toHaveLength(1);
  await house.tick();
  await house.tick();
  expect(house.moves()).toEqual([
    ['champion', 'v1', 1],
    ['champion', 'v2', 2],
    ['apprentice', 'v3', 1],
  ]);
  house.objects.corrupt('aliases/champion.announced.json', new Uint8Array([123]));
  await house.tick();
  // Told again, under the same ids.
  expect(house.bus.distinct('model-promoted')).toHaveLength(3);
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FALLBACK_VERSIONS_LIMIT } from '#shared/defaults.ts';
import { sha256Hex } from '#shared/domain/ids.ts';
import { RejectedError, TransientError } from '#shared/errors.ts';
import type { Objects } from '#shared/ports/objects.ts';
import { testCases } from '#test/support/cases.ts';
import type { memoryObjects } from '#test/support/memory-objects.ts';
import { aModel, type ModelFixture } from '#test/support/model.ts';
import { aRequest } from '#test/support/runtime.ts';
import { scoreHouse } from '#test/support/score-house.ts';

/** A champion that does not load must neither serve nor be named; what was good before it serves. */
type House = Awaited<ReturnType<typeof scoreHouse>>;

const model = (version: string, seed: number): ModelFixture => aModel({ version, hidden: [2], seed });
const [V1, V2, V3, V4] = ['v1', 'v2', 'v3', 'v4'].map((version, i) => model(version, i + 1)) as [
  ModelFixture,
  ModelFixture,
  ModelFixture,
  ModelFixture,
];
const file = (version: string, name = 'weights.bin'): string => `models/router/${version}/${name}`;

/** One bit of the weights, in the store. */
async function damage({ objects }: Pick<House, 'objects'>, ...versions: string[]): Promise<void> {
  for (const version of versions) {
    const bytes = (await objects.read(file(version)))?.bytes ?? new Uint8Array();
    bytes[8] = (bytes[8] ?? 0) ^ 1;
    objects.corrupt(file(version), bytes);
  }
}

/** A house in which the champion alias named these one after the other; score was not running. */
async function ruledBy(...versions: (string | null)[]): Promise<House> {
  const house = await scoreHouse();
  await house.publish(V1, V2, V3, V4);
  await house.learned('v1', 'v2', 'v3', 'v4');
  for (const version of versions) await house.name('champion', version);
  return house;
}

const gauge = async ({ deps }: House, line: string): Promise<number> =>
  Number(
    (await deps.metrics.exposition())
      .split('\n')
      .find((each) => each.startsWith(`${line} `))
      ?.split(' ')
      .at(-1),
  );

describe('started on a broken champion', () => {
  test('the champion before it serves, and everything says so', async () => {
    const house = await ruledBy('v1', 'v2');
    await damage(house, 'v2');
    await house.app.start();
    expect(await house.ask()).toMatchObject({ mode: 'online', model: { version: 'v1', stage: 'online' } });
    expect(await house.serving()).toMatchObject({
      mode: 'online',
      version: 'v1',
      fault: expect.stringMatching(/^artefact_corrupt: weights.bin of model v2: expected sha256/),
    });
    expect(await gauge(house, 'aurora_score_mode_info{mode="online"}')).toBe(1);
    expect(await gauge(house, 'aurora_score_mode_info{mode="rules"}')).toBe(0);
    expect(await gauge(house, 'aurora_score_model_faults')).toBe(1);
    await house.close();
  });

  test('it is said once, however often score looks', async () => {
    const house = await ruledBy('v1', 'v2', 'v3');
    await damage(house, 'v2', 'v3');
    await house.app.start();
    for (let i = 0; i < 5; i++) await house.poll();
    expect(house.errors()).toEqual([expect.stringContaining('model v3'), expect.stringContaining('model v2')]);
    expect((await house.ask()).model?.version).toBe('v1');
    await house.close();
  });

  test('a version that was taken back before does not come back for it', async () => {
    const house = await ruledBy('v1', 'v2', 'v1', 'v3');
    await damage(house, 'v3', 'v1');
    await house.app.start();
    expect(await house.ask()).toMatchObject({ mode: 'rules', model: null });
    await house.close();
  });

  test('after "no model" was the word, the models before that word stay out', async () => {
    const house = await ruledBy('v1', null, 'v2');
    await damage(house, 'v2');
    await house.app.start();
    expect(await house.ask()).toMatchObject({ mode: 'rules', model: null });
    await house.close();
  });

  test('no champion loads: the newest apprentice that does is shown, the rules act', async () => {
    const house = await ruledBy('v1', 'v2');
    for (const version of ['v3', 'v4', 'v2']) await house.name('apprentice', version);
    await damage(house, 'v1', 'v2');
    await house.app.start();
    const answer = await house.ask();
    expect(answer).toMatchObject({ mode: 'apprentice', model: { version: 'v4', stage: 'apprentice' } });
    const rules = answer.recommendations.map(({ rule_score: score }) => score);
    expect(rules).toEqual([...rules].sort((a, b) => b - a));
    expect(await house.serving()).toMatchObject({ mode: 'apprentice', version: 'v4', fault: expect.any(String) });
    await house.close();
  });

  test('nothing loads: the rules, and no version is named', async () => {
    const house = await ruledBy('v1');
    await house.name('apprentice', 'v2');
    await damage(house, 'v1', 'v2');
    await house.app.start();
    expect(await house.ask()).toMatchObject({ mode: 'rules', model: null });
    expect(await house.serving()).toMatchObject({ mode: 'rules', version: null, fault: expect.any(String) });
    expect(await gauge(house, 'aurora_score_mode_info{mode="rules"}')).toBe(1);
    await house.close();
  });

  test('the walk back is bounded', async () => {
    const house = await scoreHouse();
    const many = Array.from({ length: FALLBACK_VERSIONS_LIMIT + 2 }, (_, i) => `old-${i}`);
    for (const version of many) await house.publish({ ...V1, manifest: { ...V1.manifest, version } });
    for (const version of many) await house.name('champion', version);
    await damage(house, ...many.slice(1));
    await house.app.start();
    expect((await house.ask()).mode).toBe('rules');
    expect(house.errors()).toHaveLength(FALLBACK_VERSIONS_LIMIT + 1);
    await house.close();
  });

  test('the store refuses a damaged file with a code of its own: as broken as any', async () => {
    const house = await ruledBy('v1', 'v2');
    const objects: Objects = {
      ...house.objects,
      read: async (name) => {
        if (name !== file('v2', 'model.json')) return house.objects.read(name);
        throw new RejectedError('object_damaged', 'its content file is missing', { details: { generation: '1' } });
      },
    };
    const restarted = await scoreHouse({ objects, after: house });
    await restarted.app.start();
    expect((await restarted.ask()).model?.version).toBe('v1');
    expect(restarted.errors()).toEqual([expect.stringContaining('its content file is missing')]);
    await restarted.close();
  });
});

describe('while score runs', () => {
  test('the champion moves to a broken version: the one before stays; moved back, nothing is at fault any more', async () => {
    const house = await ruledBy('v1');
    await house.app.start();
    await damage(house, 'v2');
    await house.name('champion', 'v2');
    await house.poll();
    expect((await house.ask()).model).toMatchObject({ version: 'v1', stage: 'online' });
    expect(await house.serving()).toMatchObject({ version: 'v1', fault: expect.stringContaining('model v2') });
    await house.name('champion', 'v1');
    await house.poll();
    expect(await house.serving()).toMatchObject({ mode: 'online', version: 'v1', fault: null });
    expect(await gauge(house, 'aurora_score_model_faults')).toBe(0);
    await house.close();
  });

  test('an apprentice scores, the champion is broken: the apprentice stays one, its scores do not act', async () => {
    const house = await scoreHouse();
    await house.publish(V1, V2);
    await house.name('apprentice', 'v1');
    await house.app.start();
    await damage(house, 'v2');
    await house.name('champion', 'v2');
    await house.poll();
    expect(await house.ask()).toMatchObject({ mode: 'apprentice', model: { version: 'v1', stage: 'apprentice' } });
    await house.close();
  });

  test('two steps while the store was away, the last of them broken: the first of them serves', async () => {
    const house = await ruledBy('v1');
    await house.app.start();
    await house.name('champion', 'v2');
    await damage(house, 'v3');
    await house.name('champion', 'v3');
    await house.poll();
    expect((await house.ask()).model?.version).toBe('v2');
    await house.close();
  });

  test('what is loaded does not mind damage on the disk', async () => {
    const house = await ruledBy('v1', 'v2');
    await house.app.start();
    await damage(house, 'v2');
    await house.poll();
    await house.name('apprentice', 'v1');
    await house.poll();
    expect(await house.serving()).toMatchObject({ mode: 'online', version: 'v2', fault: null });
    await house.close();
  });

  test('restored and named again: it serves', async () => {
    const house = await ruledBy('v1', 'v2');
    const whole = (await house.objects.read(file('v2')))?.bytes ?? new Uint8Array();
    await damage(house, 'v2');
    await house.app.start();
    await house.name('champion', 'v1');
    await house.poll();
    house.objects.corrupt(file('v2'), whole);
    await house.name('champion', 'v2');
    await house.poll();
    expect(await house.serving()).toMatchObject({ mode: 'online', version: 'v2', fault: null });
    await house.close();
  });
});

describe('a store that is away for now', () => {
  const away = (house: House) => {
    let gone: (name: string) => boolean = () => false;
    const objects: Objects = {
      ...house.objects,
      read: async (name) => {
        if (gone(name)) throw new TransientError('objects_unavailable', `${name}: away`);
        return house.objects.read(name);
      },
    };
    const when = (those: (name: string) => boolean): void => {
      gone = those;
    };
    return { objects, when };
  };

  test('keeps what is loaded, does not fall back, says it once, and goes on when the store is back', async () => {
    const house = await ruledBy('v1', 'v2');
    const store = away(house);
    const running = await scoreHouse({ objects: store.objects, after: house });
    await running.app.start();
    store.when((name) => name.startsWith('models/'));
    await house.name('champion', 'v3');
    for (let i = 0; i < 3; i++) await running.poll();
    expect((await running.ask()).model?.version).toBe('v2');
    expect(running.errors()).toEqual([expect.stringContaining('away')]);
    expect((await running.serving()).fault).toContain('away');
    store.when(() => false);
    await running.poll();
    expect(await running.serving()).toMatchObject({ mode: 'online', version: 'v3', fault: null });
    await running.close();
  });

  test('the version before a broken one is away: the broken one is said once all the same', async () => {
    const house = await ruledBy('v1', 'v2');
    await damage(house, 'v2');
    const store = away(house);
    store.when((name) => name.includes('/v1/'));
    const running = await scoreHouse({ objects: store.objects, after: house });
    await running.app.start();
    for (let i = 0; i < 3; i++) await running.poll();
    expect(running.errors()).toEqual([expect.stringContaining('model v2'), expect.stringContaining('away')]);
    store.when(() => false);
    await running.poll();
    expect(await running.serving()).toMatchObject({ mode: 'online', version: 'v1' });
    await running.close();
  });

  test('at the start: the rules until it is back, not an older model', async () => {
    const house = await ruledBy('v1', 'v2');
    const store = away(house);
    store.when((name) => name.includes('/v2/'));
    const running = await scoreHouse({ objects: store.objects, after: house });
    await running.app.start();
    expect(await running.ask()).toMatchObject({ mode: 'rules', model: null });
    store.when(() => false);
    await running.poll();
    expect(await running.serving()).toMatchObject({ mode: 'online', version: 'v2', fault: null });
    await running.close();
  });
});

describe('an alias that cannot be read', () => {
  const unreadable = ({ objects }: House): void => {
    objects.corrupt('aliases/champion/000002.json', new Uint8Array([123]));
    objects.corrupt('aliases/champion.json', new Uint8Array([123]));
  };

  test('changes nothing for what is loaded; said once', async () => {
    const house = await ruledBy('v1', 'v2');
    await house.app.start();
    unreadable(house);
    for (let i = 0; i < 3; i++) await house.poll();
    expect(await house.serving()).toMatchObject({
      mode: 'online',
      version: 'v2',
      fault: expect.stringContaining('000002'),
    });
    expect(house.errors()).toEqual([expect.stringContaining('000002.json')]);
    await house.close();
  });

  test('at the start: it may have said "none", so no champion acts; the apprentice is shown', async () => {
    const house = await ruledBy('v1', 'v2');
    await house.name('apprentice', 'v3');
    unreadable(house);
    await house.app.start();
    expect(await house.ask()).toMatchObject({ mode: 'apprentice', model: { version: 'v3' } });
    await house.close();
  });
});

test('score writes nothing, not even a repair', async () => {
  const house = await ruledBy('v1', 'v2');
  await house.objects.remove('aliases/champion.json', {});
  await damage(house, 'v2');
  const { writes } = house.objects;
  await house.app.start();
  await house.poll();
  expect((await house.ask()).model?.version).toBe('v1');
  expect(house.objects.writes).toBe(writes);
  await house.close();
});

describe('whatever happened to the files of a champion', () => {
  const where = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  const spoilt = fc.oneof(
    fc.record({ kind: fc.constant('flip' as const), at: where, bit: fc.nat(7) }),
    fc.record({ kind: fc.constant('cut' as const), at: where }),
    fc.record({ kind: fc.constant('add' as const), bytes: fc.uint8Array({ minLength: 1, maxLength: 64 }) }),
    fc.record({ kind: fc.constant('lose' as const) }),
    // The store notices by itself, and names the generation.
    fc.record({ kind: fc.constant('refuse' as const) }),
  );
  const anyFile = fc.constantFrom('weights.bin', 'model.json', 'manifest.json');
  /** Whole by its hashes, yet nothing that this build may serve. */
  const foreign = fc.constantFrom('feature set', 'definition', 'golden', 'weights too long', 'weights not finite');

  const spoil = async (
    objects: ReturnType<typeof memoryObjects>,
    name: string,
    how: typeof spoilt extends fc.Arbitrary<infer T> ? T : never,
  ): Promise<Objects> => {
    const bytes = (await objects.read(name))?.bytes ?? new Uint8Array();
    const index = 'at' in how ? Math.floor(how.at * bytes.length) : 0;
    if (how.kind === 'flip') bytes[index] = (bytes[index] ?? 0) ^ (1 << how.bit);
    if (how.kind === 'lose') await objects.remove(name, {});
    else if (how.kind !== 'refuse')
      objects.corrupt(
        name,
        how.kind === 'cut' ? bytes.slice(0, index) : how.kind === 'add' ? Buffer.concat([bytes, how.bytes]) : bytes,
      );
    if (how.kind !== 'refuse') return objects;
    const refused = new RejectedError('object_damaged', `${name}: damaged`, { details: { generation: '1' } });
    return { ...objects, read: async (read) => (read === name ? Promise.reject(refused) : objects.read(read)) };
  };

  const foreignModel = (how: string): ModelFixture => {
    const { manifest, files } = V2;
    const weights = files['weights.bin'];
    const withWeights = (bytes: Uint8Array): ModelFixture => ({
      manifest: {
        ...manifest,
        files: { ...manifest.files, 'weights.bin': { sha256: sha256Hex(bytes), bytes: bytes.length } },
      },
      files: { ...files, 'weights.bin': bytes },
    });
    if (how === 'weights too long') return withWeights(Buffer.concat([weights, Buffer.alloc(4)]));
    if (how === 'weights not finite')
      return withWeights(Buffer.concat([weights.slice(0, -4), Buffer.from([0, 0, 192, 127])]));
    const [first = 0, ...rest] = manifest.golden.output;
    // Consistent in itself, as another build would have left it.
    const of = (set: { readonly set: string; readonly hash: string }): Partial<ModelFixture['manifest']> => ({
      feature_set: set,
      golden: { ...manifest.golden, features: { ...manifest.golden.features, ...set } },
    });
    const changes: Record<string, Partial<ModelFixture['manifest']>> = {
      'feature set': of({ ...manifest.feature_set, set: 'router-0' }),
      definition: of({ ...manifest.feature_set, hash: 'f'.repeat(16) }),
      golden: { golden: { ...manifest.golden, output: [first + 0.01, ...rest] } },
    };
    return { manifest: { ...manifest, ...changes[how] }, files };
  };

  const look = async (objects: Objects, base: House, running: House | null): Promise<House> => {
    const house = running ?? (await scoreHouse({ objects, after: base, worldStands: true }));
    await (running === null ? house.app.start() : house.poll());
    return house;
  };

  test('the one before it serves, unchanged; the fault has a code', { timeout: 120_000 }, async () => {
    const expected = await (async () => {
      const house = await scoreHouse();
      await house.publish(V1);
      await house.learned('v1');
      await house.name('champion', 'v1');
      await house.app.start();
      const { recommendations } = await house.ask();
      await house.close();
      return recommendations;
    })();
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.record({ name: anyFile, how: spoilt }), foreign),
        fc.boolean(),
        async (damaged, runs) => {
          const base = await scoreHouse();
          await base.publish(V1, typeof damaged === 'string' ? foreignModel(damaged) : V2);
          await base.learned('v1');
          await base.name('champion', 'v1');
          let through: Objects = base.objects;
          const running = runs
            ? await scoreHouse({
                objects: { ...base.objects, read: (name) => through.read(name) },
                after: base,
                worldStands: true,
              })
            : null;
          await running?.app.start();
          await base.name('champion', 'v2');
          if (typeof damaged !== 'string') through = await spoil(base.objects, file('v2', damaged.name), damaged.how);
          const house = await look(through, base, running);
          const served = await house.serving();
          expect(served).toMatchObject({
            mode: 'online',
            version: 'v1',
            fault: expect.stringMatching(/^(artefact_corrupt|artefact_incompatible|version_unknown): ./),
          });
          expect((await house.ask()).recommendations).toEqual(expected);
          expect(house.errors()).toHaveLength(1);
          await house.close();
        },
      ),
      { numRuns: Math.ceil(testCases / 10) },
    );
  });
});

test('what is damaged is not asked for again at each look', async () => {
  const house = await ruledBy('v1', 'v2');
  await damage(house, 'v2');
  const asked: string[] = [];
  const objects: Objects = {
    ...house.objects,
    read: (name) => {
      asked.push(name);
      return house.objects.read(name);
    },
  };
  const running = await scoreHouse({ objects, after: house });
  await running.app.start();
  asked.length = 0;
  await running.poll();
  // Offers are looked at another way; an unmoved alias costs its cache, its entry and a look for the next one.
  expect(asked).toEqual([
    'aliases/champion.json',
    'aliases/champion/000002.json',
    'aliases/champion/000003.json',
    'aliases/apprentice.json',
  ]);
  expect((await running.app.handle(aRequest({ path: '/ready' }))).status).toBe(200);
  await running.close();
});

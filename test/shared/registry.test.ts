import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RejectedError } from '#shared/errors.ts';
import { loadScorer } from '#shared/learning/scorer.ts';
import { createRegistry } from '#shared/registry/registry.ts';
import type { Verdict } from '#shared/registry/verdict.ts';
import { testCases } from '#test/support/cases.ts';
import { Crash } from '#test/support/memory-objects.ts';
import { aModel, older } from '#test/support/model.ts';
import { aWorld, by, publish, refused, small } from '#test/support/registry-world.ts';

const aVerdict = (changes: Partial<Verdict> = {}): Verdict => ({
  verdict: 'promote',
  reasons: ['better log-loss than the champion'],
  checks: [{ name: 'log_loss', passed: true, value: 0.3, limit: 0.4, note: '' }],
  metrics: { log_loss: 0.3, calibration: null },
  decided_at: '2026-01-02T00:00:00.000Z',
  compared_with: null,
  ...changes,
});

describe('versions', () => {
  it('come back as published, and serve', async () => {
    const { registry, objects } = aWorld();
    const whole = aModel({ version: 'abc-1' });
    await registry.publishVersion(whole.manifest, whole.files);
    expect(objects.names()).toEqual([
      'models/router/abc-1/manifest.json',
      'models/router/abc-1/model.json',
      'models/router/abc-1/out-of-fold.bin',
      'models/router/abc-1/weights.bin',
    ]);
    expect(await registry.readManifest('abc-1')).toEqual(whole.manifest);
    expect(await registry.loadVersion('abc-1')).toEqual(whole);
    const loaded = await registry.loadArtefact('abc-1');
    expect(Object.keys(loaded.files)).toEqual(['model.json', 'weights.bin']);
    expect(loadScorer(loaded.manifest, loaded.files['weights.bin']).version).toBe('abc-1');
  });

  it('are published again with the same content without a change, never with another', async () => {
    const { registry, objects } = aWorld();
    await registry.publishVersion(small.manifest, small.files);
    const before = await objects.list('models/');
    await registry.publishVersion(small.manifest, small.files);
    const later = { ...small.manifest, created_at: '2027-01-01T00:00:00.000Z' };
    await expect(registry.publishVersion(later, small.files)).rejects.toThrow(
      refused('object_precondition_failed', /^models\/router\/v1\/manifest.json exists with other content$/),
    );
    const other = aModel({ hidden: [2], seed: 2 });
    await expect(registry.publishVersion(other.manifest, other.files)).rejects.toThrow(
      refused('object_precondition_failed'),
    );
    expect(await objects.list('models/')).toEqual(before);
  });

  it('are either whole or unseen after a crash at any write, and the next publication completes them', async () => {
    for (let step = 1; step <= 4; step++) {
      const { registry, objects } = aWorld();
      objects.crashAtWrite(step);
      await expect(registry.publishVersion(small.manifest, small.files)).rejects.toThrow(Crash);
      objects.crashAtWrite(null);
      expect(await registry.listVersions()).toEqual([]);
      await expect(registry.readManifest('v1')).rejects.toThrow(refused('version_unknown'));
      await expect(registry.moveAlias('champion', { ...by, version: 'v1' })).rejects.toThrow(
        refused('version_unknown'),
      );
      await registry.publishVersion(small.manifest, small.files);
      expect(await registry.listVersions()).toEqual(['v1']);
      expect((await registry.loadVersion('v1')).files).toEqual(small.files);
    }
  });

  it('are published by two at once as by one', async () => {
    const { registry } = aWorld();
    await Promise.all([1, 2, 3].map(() => registry.publishVersion(small.manifest, small.files)));
    expect((await registry.loadVersion('v1')).files).toEqual(small.files);
  });

  it('believe their own success when the store refuses a write that it had applied', async () => {
    const { objects, clock } = aWorld();
    // As a client that retries after a lost answer sees it: written, then "precondition failed".
    const retrying = {
      ...objects,
      async write(...args: Parameters<typeof objects.write>) {
        await objects.write(...args);
        throw new RejectedError('object_precondition_failed', 'retried');
      },
    };
    const registry = createRegistry({ objects: retrying, worldClock: clock });
    await registry.publishVersion(small.manifest, small.files);
    expect((await registry.moveAlias('champion', { ...by, version: 'v1' })).sequence).toBe(1);
    expect(await registry.aliasHistory('champion')).toHaveLength(1);
  });

  it.each([
    [
      'truncated weights',
      { 'weights.bin': small.files['weights.bin'].slice(0, -4) },
      /weights.bin .* expected \d+ bytes, got \d+$/,
    ],
    ['lengthened weights', { 'weights.bin': Buffer.concat([small.files['weights.bin'], Buffer.alloc(4)]) }, /bytes/],
    [
      'another model.json',
      { 'model.json': Buffer.from('x'.repeat(small.files['model.json'].length)) },
      /expected sha256/,
    ],
    [
      'other predictions',
      { 'out-of-fold.bin': Buffer.from([1, 0, 0, 0]) },
      /^out-of-fold.bin of model v1: expected sha256/,
    ],
  ])('are refused with %s before anything is written', async (_, changes, message) => {
    const { registry, objects } = aWorld();
    await expect(registry.publishVersion(small.manifest, { ...small.files, ...changes })).rejects.toThrow(
      refused('artefact_corrupt', message),
    );
    expect(objects.names()).toEqual([]);
  });

  it('without out-of-fold.bin, as older ones are: published, and loaded again', async () => {
    const { registry, objects } = aWorld();
    const old = older(small);
    await registry.publishVersion(old.manifest, old.files);
    expect(objects.names()).not.toContain('models/router/v1/out-of-fold.bin');
    expect(await registry.loadVersion('v1')).toEqual(old);
    await registry.loadArtefact('v1');
  });

  it('are refused with a file too many, or one too few', async () => {
    const { registry, objects } = aWorld();
    const old = older(small);
    await expect(registry.publishVersion(old.manifest, small.files)).rejects.toThrow(
      refused('artefact_corrupt', /^out-of-fold.bin of model v1: expected no bytes, got 4$/),
    );
    await expect(registry.publishVersion(small.manifest, old.files)).rejects.toThrow(
      refused('artefact_corrupt', /^out-of-fold.bin of model v1: expected 4 bytes, got none$/),
    );
    expect(objects.names()).toEqual([]);
  });

  it('serve although what only learning reads is damaged or gone', async () => {
    const { registry, objects } = aWorld();
    await registry.publishVersion(small.manifest, small.files);
    objects.corrupt('models/router/v1/out-of-fold.bin', new Uint8Array(4).fill(1));
    await registry.loadArtefact('v1');
    await expect(registry.loadVersion('v1')).rejects.toThrow(refused('artefact_corrupt'));
    await objects.remove('models/router/v1/out-of-fold.bin', {});
    await registry.loadArtefact('v1');
    await expect(registry.loadVersion('v1')).rejects.toThrow(refused('artefact_corrupt', /is missing/));
  });

  it('are refused with any bit of any file flipped, any byte cut off or added', async () => {
    const world = aWorld();
    await publish(world, 'v1');
    const { objects, registry } = world;
    const file = fc.constantFrom('weights.bin', 'model.json', 'out-of-fold.bin', 'manifest.json');
    const damage = fc.oneof(
      fc.record({
        kind: fc.constant('flip' as const),
        at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        bit: fc.nat(7),
      }),
      fc.record({
        kind: fc.constant('cut' as const),
        at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        bit: fc.constant(0),
      }),
      fc.record({
        kind: fc.constant('add' as const),
        at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        bit: fc.nat(255),
      }),
    );
    await fc.assert(
      fc.asyncProperty(file, damage, async (name, { kind, at, bit }) => {
        const path = `models/router/v1/${name}`;
        const intact = (await objects.read(path))?.bytes ?? new Uint8Array();
        const bytes = kind === 'add' ? Buffer.concat([intact, Uint8Array.of(bit)]) : intact.slice();
        const index = Math.floor(at * intact.length);
        if (kind === 'flip') bytes[index] = (bytes[index] ?? 0) ^ (1 << bit);
        objects.corrupt(path, kind === 'cut' ? bytes.slice(0, index) : bytes);
        try {
          await expect(registry.loadVersion('v1')).rejects.toThrow(refused('artefact_corrupt'));
        } finally {
          objects.corrupt(path, intact);
        }
      }),
      { numRuns: testCases },
    );
    expect((await registry.loadVersion('v1')).files).toEqual(small.files);
  });

  it.each<[string, string, RegExp]>([
    ['nothing', '', /expected JSON in UTF-8, got 0 other bytes/],
    ['no object', '[]', /\(root\)/],
    ['an unknown key', JSON.stringify({ ...small.manifest, extra: 1 }), /extra/],
    ['another format', JSON.stringify({ ...small.manifest, format: 'aurora-router-model/2' }), /format/],
    ['another version', JSON.stringify({ ...small.manifest, version: 'v2' }), /expected version v1, got v2/],
    [
      'a scale of zero',
      JSON.stringify({ ...small.manifest, targets: { ...small.manifest.targets, price: { mean: 0, std: 0 } } }),
      /targets.price.std/,
    ],
  ])('are refused with a manifest that holds %s', async (_, text, message) => {
    const world = aWorld();
    await publish(world, 'v1');
    await world.objects.write('models/router/v1/manifest.json', Buffer.from(text), {});
    await expect(world.registry.readManifest('v1')).rejects.toThrow(refused('artefact_corrupt', message));
    await expect(world.registry.loadArtefact('v1')).rejects.toThrow(refused('artefact_corrupt', message));
  });

  it('of another feature set load, and are refused by the scorer', async () => {
    const { registry } = aWorld();
    await registry.publishVersion({ ...small.manifest, feature_set: { set: 'router-9', hash: 'x' } }, small.files);
    const { manifest, files } = await registry.loadArtefact('v1');
    expect(() => loadScorer(manifest, files['weights.bin'])).toThrow(refused('artefact_incompatible', /router-9/));
  });

  it('with a file missing under a manifest are corrupt', async () => {
    const world = aWorld();
    await publish(world, 'v1');
    await world.objects.remove('models/router/v1/weights.bin', {});
    await expect(world.registry.loadArtefact('v1')).rejects.toThrow(
      refused('artefact_corrupt', /weights.bin is missing/),
    );
  });

  it.each(['', '../champion', 'a/b', 'A', 'x'.repeat(65), '.', 'v1/manifest.json'])(
    'named %j are unknown',
    async (version) => {
      const { registry } = aWorld();
      for (const call of [
        registry.readManifest(version),
        registry.loadArtefact(version),
        registry.loadVersion(version),
        registry.readVerdict(version),
      ])
        await expect(call).rejects.toThrow(refused('version_unknown'));
    },
  );

  it('are listed over many pages', async () => {
    const world = aWorld();
    const names = Array.from({ length: 800 }, (_, i) => `v${String(i).padStart(4, '0')}`);
    for (const version of names) {
      await world.objects.write(`models/router/${version}/manifest.json`, new Uint8Array(1), {});
      await world.objects.write(`models/router/${version}/weights.bin`, new Uint8Array(1), {});
    }
    expect(await world.registry.listVersions()).toEqual(names);
  });
});

describe('verdicts', () => {
  it('are written once; the first stands', async () => {
    const world = aWorld();
    await publish(world, 'v1');
    const { registry } = world;
    expect(await registry.readVerdict('v1')).toBeNull();
    expect(await registry.writeVerdict('v1', aVerdict())).toEqual(aVerdict());
    expect(await registry.writeVerdict('v1', aVerdict())).toEqual(aVerdict());
    expect(await registry.writeVerdict('v1', aVerdict({ verdict: 'reject' }))).toEqual(aVerdict());
    expect(await registry.readVerdict('v1')).toEqual(aVerdict());
  });

  it('need a whole version', async () => {
    await expect(aWorld().registry.writeVerdict('v1', aVerdict())).rejects.toThrow(refused('version_unknown'));
  });

  it('are refused when they are none', async () => {
    const world = aWorld();
    await publish(world, 'v1');
    const wrong = { ...aVerdict(), metrics: { log_loss: Number.NaN } };
    // NaN travels as null, which says "not known": accepted; an unknown word is not.
    expect((await world.registry.writeVerdict('v1', wrong)).metrics).toEqual({ log_loss: null });
    await world.objects.write('models/router/v1/verdict.json', Buffer.from('{"verdict":"maybe"}'), {});
    await expect(world.registry.readVerdict('v1')).rejects.toThrow(
      refused('artefact_corrupt', /verdict.json: verdict/),
    );
  });
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createDuckdbWarehouse } from '#shared/adapters/warehouse/duckdb.ts';
import type { Outcome } from '#shared/domain/outcome.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { FEATURE_SET } from '#shared/learning/features.ts';
import type { TrainRequest } from '#shared/learning/train/index.ts';
import { configOf } from '#shared/learning/train/plan.ts';
import { reproduce } from '#shared/learning/train/reproduce.ts';
import { compared } from '#shared/learning/train/reproduction.ts';
import { readTrainingSet } from '#shared/learning/training-set.ts';
import type { Warehouse } from '#shared/ports/warehouse.ts';
import type { Manifest } from '#shared/registry/manifest.ts';
import { createRegistry } from '#shared/registry/registry.ts';
import { testCases } from '#test/support/cases.ts';
import { fakeClock } from '#test/support/clock.ts';
import { TOY_CONFIG } from '#test/support/learning.ts';
import { memoryObjects } from '#test/support/memory-objects.ts';
import { aModel, older } from '#test/support/model.ts';
import { quickly } from '#test/support/quick-training.ts';
import { maturedMs, memoryRecord, outcomeRowOf, recordedOutcomes } from '#test/support/record.ts';

const ROWS = 120;
const NOW = maturedMs(ROWS);
const OUTCOMES = recordedOutcomes(ROWS);

const FILES = ['model.json', 'weights.bin', 'out-of-fold.bin'] as const;

describe('compared', () => {
  const was = aModel();

  test('equal files and an equal manifest: reproduced', () => {
    const { version, files, training } = was.manifest;
    expect(compared(was, was)).toEqual({
      version,
      reproduced: true,
      rows: training.rows,
      data_sha256: training.data_sha256,
      backend: training.backend,
      files: FILES.map((name) => ({
        name,
        expected_sha256: files[name]?.sha256,
        got_sha256: files[name]?.sha256,
        equal: true,
      })),
      differs: [],
    });
  });

  test('any one byte of a file that is another: that file, and it alone, is not equal', () => {
    const change = fc.record({
      name: fc.constantFrom(...FILES),
      at: fc.nat(),
      by: fc.integer({ min: 1, max: 255 }),
    });
    fc.assert(
      fc.property(change, ({ name, at, by }) => {
        const bytes = was.files[name].slice();
        const place = at % bytes.length;
        bytes[place] = (bytes[place] ?? 0) ^ by;
        const found = compared(was, { ...was, files: { ...was.files, [name]: bytes } });
        expect(found).toMatchObject({ reproduced: false, differs: [] });
        expect(found.files.filter(({ equal }) => !equal).map((file) => file.name)).toEqual([name]);
        expect(found.files.map((file) => file.expected_sha256 === file.got_sha256)).toEqual(
          found.files.map(({ equal }) => equal),
        );
      }),
      { numRuns: testCases / 10 },
    );
    const shorter = compared(was, {
      ...was,
      files: { ...was.files, 'weights.bin': was.files['weights.bin'].slice(1) },
    });
    expect(shorter.reproduced).toBe(false);
  });

  test('a version from before out-of-fold.bin: what it has is compared', () => {
    const old = older(was);
    const found = compared(old, was);
    expect(found).toMatchObject({ reproduced: true, differs: [] });
    expect(found.files.map(({ name }) => name)).toEqual(['model.json', 'weights.bin']);
  });

  const { manifest } = was;
  const [first, ...others] = manifest.encoding.numeric as [
    Manifest['encoding']['numeric'][0],
    ...Manifest['encoding']['numeric'],
  ];
  test.each<[string, Partial<Manifest>]>([
    ['version', { version: 'v2' }],
    ['feature_set.hash', { feature_set: { ...manifest.feature_set, hash: 'other' } }],
    [
      'encoding.numeric',
      { encoding: { ...manifest.encoding, numeric: [{ ...first, std: first.std + 1e-15 }, ...others] } },
    ],
    ['hidden', { hidden: [32, 8] }],
    ['targets.price', { targets: { ...manifest.targets, price: { mean: 0.06, std: 0.1 } } }],
    ['weights', { weights: manifest.weights.slice(1) }],
    ['golden.output', { golden: { ...manifest.golden, output: [0, 0, 0, 0, 1e-12] } }],
    ['training.holdout_rows', { training: { ...manifest.training, holdout_rows: 21 } }],
    ['training.last_decided_at', { training: { ...manifest.training, last_decided_at: null } }],
  ])('a manifest that says another %s is named', (field, changes) => {
    expect(compared(was, { ...was, manifest: { ...manifest, ...changes } })).toMatchObject({
      reproduced: false,
      differs: [field],
    });
  });

  test('what a manifest cannot hold does not differ: -0 is written as 0', () => {
    const zeros = (output: number[]) => ({ ...was, manifest: { ...manifest, golden: { ...manifest.golden, output } } });
    expect(compared(zeros([0, 0, 0, 0, 0]), zeros([-0, 0, -0, 0, 0])).differs).toEqual([]);
  });
});

/** A registry with one version of the outcomes (its weights are a fixture's), and what trains it again on the record `by` gives. */
async function house({ changes = {} }: { changes?: Partial<Manifest> } = {}) {
  const clock = fakeClock(NOW);
  const objects = memoryObjects();
  const registry = createRegistry({ objects, worldClock: clock });
  const watermark = rfc3339(NOW);
  const examples = await readTrainingSet(recordOf(OUTCOMES).warehouse, watermark);
  const request = { examples, config: TOY_CONFIG, featureSet: FEATURE_SET, watermark, createdAt: watermark };
  const { manifest, files } = await quickly(request, { clock });
  await registry.publishVersion({ ...manifest, ...changes }, files);
  const asked: TrainRequest[] = [];
  return {
    manifest,
    objects,
    asked,
    again: (warehouse: Warehouse, version = manifest.version) =>
      reproduce(version, {
        registry,
        warehouse,
        clock,
        signal: new AbortController().signal,
        onProgress: () => undefined,
        trainModel: async (what, how) => {
          asked.push(what);
          return quickly(what, how);
        },
      }),
  };
}

function recordOf(outcomes: readonly Outcome[]): ReturnType<typeof memoryRecord> {
  const record = memoryRecord();
  record.add(outcomes, NOW);
  return record;
}

describe('reproduce', () => {
  test('trains on the frozen rows as the manifest says, on its backend, and writes nothing', async () => {
    const { manifest, objects, asked, again } = await house();
    const record = recordOf(OUTCOMES);
    // Whatever arrives later is no part of it.
    record.add(recordedOutcomes(300, 2), NOW + 1);
    const { writes } = objects;
    expect(await again(record.warehouse)).toMatchObject({ version: manifest.version, rows: ROWS });
    expect(objects.writes).toBe(writes);
    expect(asked).toMatchObject([
      { config: configOf(manifest), featureSet: manifest.feature_set, watermark: rfc3339(NOW) },
    ]);
    expect(asked[0]).toMatchObject({ backend: manifest.training.backend, createdAt: manifest.created_at });
    expect(asked[0]?.examples.map(({ decision_id: id }) => id)).toEqual(OUTCOMES.map(({ decision_id: id }) => id));
  });

  test.each<[string, readonly Outcome[], string]>([
    ['fewer rows', OUTCOMES.slice(20), `the record gives ${ROWS - 20} now`],
    ['more rows', recordedOutcomes(ROWS + 1), `the record gives ${ROWS + 1} now`],
    ['no row', [], 'the record gives 0 now'],
    [
      'another row',
      OUTCOMES.with(7, { ...(OUTCOMES[7] as Outcome), propensity: 0.5 }),
      'gives as many, sha256 [0-9a-f]{64}',
    ],
  ])('is refused where the record gives %s by then', async (_, outcomes, why) => {
    const { manifest, asked, again } = await house();
    await expect(again(recordOf(outcomes).warehouse)).rejects.toMatchObject({
      code: 'record_changed',
      message: expect.stringMatching(
        `^${manifest.version} was trained on ${ROWS} rows that had arrived by ${manifest.training.watermark}.*${why}$`,
      ),
    });
    expect(asked).toEqual([]);
  });

  test('is refused once retention has removed rows: how many there were, how many there are', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'aurora-reproduce-'));
    const warehouse = await createDuckdbWarehouse({ file: join(directory, 'warehouse.duckdb') });
    onTestFinished(async () => {
      await warehouse.close();
      await rm(directory, { recursive: true });
    });
    const record = (outcomes: readonly Outcome[], atMs: number): Promise<void> =>
      warehouse.append(
        'routing_outcomes',
        outcomes.map((outcome) => outcomeRowOf(outcome, atMs)),
      );
    await record(OUTCOMES.slice(0, 50), NOW - 2);
    await record(OUTCOMES.slice(50), NOW);
    const { again } = await house();
    expect(await again(warehouse)).toMatchObject({ rows: ROWS });
    expect(await warehouse.removeBefore('routing_outcomes', rfc3339(NOW - 1))).toBe(50);
    await expect(again(warehouse)).rejects.toMatchObject({
      code: 'record_changed',
      message: expect.stringMatching(/trained on 120 rows .*; the record gives 70 now$/),
    });
  });

  test('is refused for a version that is not there, is damaged, or speaks of other features', async () => {
    const { manifest, objects, again } = await house();
    const { warehouse } = recordOf(OUTCOMES);
    await expect(again(warehouse, 'v0')).rejects.toMatchObject({ code: 'version_unknown' });
    objects.corrupt(`models/router/${manifest.version}/weights.bin`, new Uint8Array(8));
    await expect(again(warehouse)).rejects.toMatchObject({ code: 'artefact_corrupt' });
    const older = await house({ changes: { feature_set: { set: 'router-0', hash: 'x' } } });
    await expect(older.again(warehouse)).rejects.toMatchObject({ code: 'artefact_incompatible' });
    expect(older.asked).toEqual([]);
  });
});

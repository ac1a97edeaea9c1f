import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createCollect } from '#functions/collect/handler.ts';
import { createPromote } from '#functions/promote/handler.ts';
import { createScore } from '#functions/score/handler.ts';
import { createTrain } from '#functions/train/handler.ts';
import { createFilesystemObjects } from '#shared/adapters/objects/filesystem.ts';
import { POLL_INTERVAL_MS } from '#shared/defaults.ts';
import { modelTrained, trainingRequested } from '#shared/domain/events/catalogue.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { type TrainingReport, trainingKey, trainingReport } from '#shared/domain/training-report.ts';
import { exampleOf } from '#shared/learning/examples.ts';
import { posteriorObject } from '#shared/learning/fast/learned-objects.ts';
import { FEATURE_SET } from '#shared/learning/features.ts';
import { trainModel } from '#shared/learning/train/index.ts';
import { TRAIN_DEFAULTS } from '#shared/learning/train/plan.ts';
import type { Objects } from '#shared/ports/objects.ts';
import { createRegistry, type Registry } from '#shared/registry/registry.ts';
import { OFFERS_OBJECT } from '#shared/serving/offers.ts';
import { type FakeClock, fakeClock } from '#test/support/clock.ts';
import { DAMAGES, damageObject } from '#test/support/damage.ts';
import { EVENT_SAMPLES } from '#test/support/events.ts';
import { servedPosterior } from '#test/support/learned.ts';
import { memoryBus } from '#test/support/memory-bus.ts';
import { memoryProvider } from '#test/support/memory-provider.ts';
import { memoryState } from '#test/support/memory-state.ts';
import { aModel, type ModelFixture } from '#test/support/model.ts';
import { anOffer } from '#test/support/offers.ts';
import { bodyOf, deliver, post } from '#test/support/push.ts';
import { quickly } from '#test/support/quick-training.ts';
import { maturedMs, memoryRecord, recordedOutcomes } from '#test/support/record.ts';
import { aRouteRequest } from '#test/support/route-house.ts';
import { testDeps } from '#test/support/runtime.ts';

/** The functions over the object store of one machine, in which a file is damaged: what does not heal must not be waited for. */
const ROWS = 300;
const OUTCOMES = recordedOutcomes(ROWS);
const WATERMARK = rfc3339(maturedMs(ROWS));

let trained: ModelFixture;
beforeAll(async () => {
  trained = await trainModel({
    examples: OUTCOMES.flatMap((outcome) => exampleOf(outcome) ?? []),
    config: { ...TRAIN_DEFAULTS, hidden: [4], epochs: 1 },
    featureSet: FEATURE_SET,
    watermark: WATERMARK,
    createdAt: WATERMARK,
  });
});

let directory: string;
let objects: Objects;
let clock: FakeClock;
let registry: Registry;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'aurora-damaged-'));
  objects = await createFilesystemObjects({ directory });
  clock = fakeClock(maturedMs(ROWS) + 1_000);
  registry = createRegistry({ objects, worldClock: clock });
});
afterEach(async () => {
  await objects.close();
  await rm(directory, { recursive: true });
});

const publish = ({ manifest, files }: ModelFixture): Promise<void> => registry.publishVersion(manifest, files);
const crown = (version: string) =>
  registry.moveAlias('champion', { version, by: 'ann', reason: 'by hand', verdict: null, forced: true });

function house() {
  const deps = { ...testDeps(clock), worldClock: clock, objects, registry, bus: memoryBus(), stage: 'online' as const };
  const record = memoryRecord();
  record.add(OUTCOMES, maturedMs(ROWS));
  return { ...deps, state: memoryState(clock), warehouse: record.warehouse };
}

describe.each(DAMAGES)('a file is %s', (_, change) => {
  test.each(['weights.bin', 'manifest.json'])(
    'promote: the champion’s %s does not keep its successor from its verdict',
    async (file) => {
      await publish(aModel({ version: 'old', hidden: [2] }));
      await crown('old');
      await publish(trained);
      await damageObject(directory, `models/router/old/${file}`, change);
      const deps = house();
      const event = { ...EVENT_SAMPLES['model-trained'], version: trained.manifest.version };
      expect(await deliver(createPromote(deps), modelTrained, event)).toBe(204);
      expect(await registry.readVerdict(trained.manifest.version)).toMatchObject({
        verdict: 'not-enough-evidence',
        compared_with: 'linear',
      });
      expect(deps.bus.payloads('event-rejected')).toEqual([]);
      expect(deps.lines.filter(({ level }) => level === 'error')).toMatchObject([{ fields: { model_version: 'old' } }]);
    },
  );

  test('promote: a version whose own weights are damaged is rejected', async () => {
    await publish(trained);
    await damageObject(directory, `models/router/${trained.manifest.version}/weights.bin`, change);
    const event = { ...EVENT_SAMPLES['model-trained'], version: trained.manifest.version };
    expect(await deliver(createPromote(house()), modelTrained, event)).toBe(204);
    expect(await registry.readVerdict(trained.manifest.version)).toMatchObject({
      verdict: 'reject',
      reasons: [expect.stringContaining('artefact_corrupt')],
    });
  });

  test('train: a version known already whose manifest is damaged is a failed training, reported once', async () => {
    const deps = house();
    const app = createTrain({ ...deps, trainModel: quickly, startJob: null, deadlineMs: 60_000 });
    const ask = async (seconds: number): Promise<TrainingReport> => {
      const requested_at = rfc3339(clock.now() + seconds * 1_000);
      const request = { ...EVENT_SAMPLES['training-requested'], force: true, requested_at };
      expect(await deliver(app, trainingRequested, request)).toBe(204);
      return trainingReport.parse((await deps.state.get(trainingKey(trainingRequested.eventId(request))))?.value);
    };
    const { version } = await ask(0);
    await damageObject(directory, `models/router/${version}/manifest.json`, change);
    expect(await ask(1)).toMatchObject({ result: 'failed', reason: expect.stringContaining('artefact_corrupt') });
  });

  test('score: the model before it goes on serving', async () => {
    const deps = house();
    const offers = { observed_at: rfc3339(clock.now()), offers: [anOffer({ observed_at: rfc3339(clock.now()) })] };
    await objects.write(OFFERS_OBJECT, new TextEncoder().encode(JSON.stringify(offers)), {});
    await publish(aModel({ version: 'v1' }));
    await publish(aModel({ version: 'v2', seed: 2 }));
    await crown('v1');
    await objects.write(posteriorObject('v1'), servedPosterior('v1', { atMs: clock.now() }), {});
    const app = createScore({ ...deps, stage: 'auto', pause: () => setImmediate() });
    await app.start();
    await damageObject(directory, 'models/router/v2/weights.bin', change);
    await crown('v2');
    await clock.advance(POLL_INTERVAL_MS);
    await vi.waitFor(() => expect(deps.lines.map(({ level }) => level)).toContain('error'));
    const answer = bodyOf(await post(app, '/agent/route', aRouteRequest()));
    expect(answer).toMatchObject({ mode: 'online', model: { version: 'v1' } });
    await app.drain();
  });

  test('collect: the damaged snapshot is replaced', async () => {
    const vast = memoryProvider('vast');
    vast.listed = [anOffer({ provider: 'vast', offer_id: 'vast:1', observed_at: rfc3339(clock.now()) })];
    const deps = house();
    const app = createCollect({ ...deps, providers: [vast] });
    expect((await post(app, '/run')).status).toBe(200);
    await damageObject(directory, OFFERS_OBJECT, change);
    expect((await post(app, '/run')).status).toBe(200);
    expect(JSON.parse(Buffer.from((await objects.read(OFFERS_OBJECT))?.bytes ?? []).toString())).toMatchObject({
      offers: [{ offer_id: 'vast:1' }],
    });
  });
});

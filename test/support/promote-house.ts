import { createPromote } from '#functions/promote/handler.ts';
import { modelTrained } from '#shared/domain/events/catalogue.ts';
import type { Outcome } from '#shared/domain/outcome.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { Example } from '#shared/learning/example.ts';
import { exampleOf } from '#shared/learning/examples.ts';
import { FEATURE_SET } from '#shared/learning/features.ts';
import { trainModel } from '#shared/learning/train/index.ts';
import { TRAIN_DEFAULTS } from '#shared/learning/train/plan.ts';
import { type Alias, createRegistry } from '#shared/registry/registry.ts';
import type { Verdict } from '#shared/registry/verdict.ts';
import { fakeClock } from './clock.ts';
import { EVENT_SAMPLES } from './events.ts';
import { faults } from './faults.ts';
import { memoryBus } from './memory-bus.ts';
import { memoryObjects } from './memory-objects.ts';
import { aModel, type ModelFixture } from './model.ts';
import { deliver, post } from './push.ts';
import { maturedMs, memoryRecord, recordedOutcomes } from './record.ts';
import { testDeps } from './runtime.ts';

/** Rows that are too few for a judgement, and rows that carry one. */
export const FEW = 300;
export const MANY = 1_100;

/** A rollback by a person; every version could serve. */
export const BACK = { by: 'ann', reason: 'worse', serves: async () => true };

export const watermarkOf = (rows: number): string => rfc3339(maturedMs(rows));
export const examplesOf = (outcomes: readonly Outcome[]): readonly Example[] =>
  outcomes.flatMap((outcome) => exampleOf(outcome) ?? []);

/** Trained on these, the first of the record. Narrow: what there is to learn is linear, and it takes half as long. */
export async function trainedOn(outcomes: readonly Outcome[], seed = 1): Promise<ModelFixture> {
  const at = watermarkOf(outcomes.length);
  const config = { ...TRAIN_DEFAULTS, hidden: [8], seed };
  return trainModel({ examples: examplesOf(outcomes), config, featureSet: FEATURE_SET, watermark: at, createdAt: at });
}

/** A version that was never trained, in the manifest of one that was. */
export function untrained({ manifest }: ModelFixture): ModelFixture {
  const { manifest: own, files } = aModel({ version: 'untrained', seed: 5 });
  return { manifest: { ...own, training: manifest.training }, files };
}

/** promote over stores in memory, with a record of MANY outcomes of which the first FEW came before the rest. */
export function promoteHouse(recorded: readonly Outcome[] = recordedOutcomes(MANY)) {
  const clock = fakeClock(maturedMs(MANY) + 1_000);
  const objects = memoryObjects();
  const bus = memoryBus();
  const deaths = faults();
  const outcomes = memoryRecord();
  outcomes.add(recorded.slice(0, FEW), maturedMs(FEW));
  outcomes.add(recorded.slice(FEW), maturedMs(MANY));
  const deps = testDeps(clock);
  const registry = createRegistry({ objects, worldClock: clock });
  const app = () =>
    createPromote({
      ...deps,
      worldClock: clock,
      bus: deaths.wrap(bus),
      warehouse: outcomes.warehouse,
      registry: createRegistry({ objects: deaths.wrap(objects), worldClock: clock }),
    });
  return {
    clock,
    objects,
    bus,
    deaths,
    deps,
    outcomes,
    registry,
    app,
    publish: async (...models: ModelFixture[]): Promise<void> => {
      for (const { manifest, files } of models) await registry.publishVersion(manifest, files);
    },
    /** The model-trained event of a version, delivered once. */
    hear: ({ manifest }: Pick<ModelFixture, 'manifest'>): Promise<number> =>
      deliver(app(), modelTrained, { ...EVENT_SAMPLES['model-trained'], version: manifest.version }),
    /** A tick of the cron; the status of its answer. */
    tick: async (): Promise<number> => (await post(app(), '/run')).status,
    verdict: ({ manifest }: ModelFixture): Promise<Verdict | null> => registry.readVerdict(manifest.version),
    head: async (alias: Alias) => (await registry.aliasHead(alias))?.version ?? null,
    moves: () => bus.payloads('model-promoted').map(({ alias, version, sequence }) => [alias, version, sequence]),
    force: (alias: Alias, version: string | null, at: number = clock.now()) => {
      const then = createRegistry({ objects, worldClock: { now: () => at, speed: 1 } });
      return then.moveAlias(alias, { version, by: 'ann', reason: 'by hand', verdict: null, forced: true });
    },
  };
}

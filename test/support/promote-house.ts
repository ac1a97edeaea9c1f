import { createPromote } from '#functions/promote/handler.ts';
import type { Stage } from '#shared/domain/control.ts';
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
import { memoryState } from './memory-state.ts';
import { aModel, type ModelFixture, older } from './model.ts';
import { deliver, post } from './push.ts';
import { crossedOutcomes, decisionBehind, maturedMs, memoryRecord } from './record.ts';
import { testDeps } from './runtime.ts';

/** Rows that are too few for a judgement, and rows that carry one. */
export const FEW = 300;
export const MANY = 1_600;

/** A rollback by a person; every version could serve. */
export const BACK = { by: 'ann', reason: 'worse', serves: async () => true };

export const watermarkOf = (rows: number): string => rfc3339(maturedMs(rows));
export const examplesOf = (outcomes: readonly Outcome[]): readonly Example[] =>
  outcomes.flatMap((outcome) => exampleOf(outcome) ?? []);

/** The record: what there is to learn takes a network, so that a version has something to prove. */
export const RECORD: readonly Outcome[] = crossedOutcomes(MANY);
const DECISIONS = new Map(RECORD.map((outcome) => [outcome.decision_id, decisionBehind(outcome)]));

const trained = new Map<number, ReturnType<typeof trainModel>>();

/** Trained on the first rows of the record, once for all tests of a worker: narrow and fast, and hardly at all where few rows prove nothing. */
export function trainedOn(rows: number): ReturnType<typeof trainModel> {
  const made = trained.get(rows) ?? train(RECORD.slice(0, rows), rows === MANY ? 20 : 1);
  trained.set(rows, made);
  return made;
}

function train(outcomes: readonly Outcome[], epochs: number): ReturnType<typeof trainModel> {
  const at = watermarkOf(outcomes.length);
  const config = { ...TRAIN_DEFAULTS, hidden: [8], epochs, learning_rate: 0.02, l2: 0.003, seed: 1 };
  return trainModel({ examples: examplesOf(outcomes), config, featureSet: FEATURE_SET, watermark: at, createdAt: at });
}

/** A version that was never trained, in the manifest of one that was. */
export function untrained({ manifest }: ModelFixture): ModelFixture {
  const { manifest: own, files } = aModel({ version: 'untrained', seed: 5 });
  return { manifest: { ...own, training: manifest.training }, files };
}

/** A version as the registry takes it. */
type Published = ReturnType<typeof older>;

let contraryModel: ReturnType<typeof trainModel> | undefined;

/** A version that says the contrary of what is, in the manifest of one that learnt it; nothing was foretold for it. */
export async function contraryOf({ manifest }: ModelFixture): Promise<Published> {
  contraryModel ??= train(crossedOutcomes(MANY, { contrary: true }), 8);
  const contrary = older(await contraryModel);
  return { ...contrary, manifest: { ...contrary.manifest, version: 'contrary', training: manifest.training } };
}

/** promote over stores in memory, with a record of MANY outcomes of which the first FEW came before the rest. */
export function promoteHouse(recorded: readonly Outcome[] = RECORD, stage: Stage = 'online') {
  const clock = fakeClock(maturedMs(MANY) + 1_000);
  const objects = memoryObjects();
  const bus = memoryBus();
  const deaths = faults();
  const outcomes = memoryRecord();
  for (const [rows, atMs] of [
    [recorded.slice(0, FEW), maturedMs(FEW)],
    [recorded.slice(FEW), maturedMs(MANY)],
  ] as const) {
    outcomes.add(rows, atMs);
    outcomes.decide(
      rows.flatMap(({ decision_id, propensity }) => {
        const decision = DECISIONS.get(decision_id);
        return decision === undefined ? [] : [{ ...decision, propensity }];
      }),
      atMs,
    );
  }
  const state = memoryState(clock);
  const deps = testDeps(clock);
  const registry = createRegistry({ objects, worldClock: clock });
  const app = () =>
    createPromote({
      ...deps,
      worldClock: clock,
      bus: deaths.wrap(bus),
      warehouse: outcomes.warehouse,
      objects: deaths.wrap(objects),
      state: deaths.wrap(state),
      stage,
      registry: createRegistry({ objects: deaths.wrap(objects), worldClock: clock }),
    });
  return {
    clock,
    objects,
    bus,
    deaths,
    deps,
    outcomes,
    state,
    registry,
    app,
    publish: async (...models: Published[]): Promise<void> => {
      for (const { manifest, files } of models) await registry.publishVersion(manifest, files);
    },
    /** The model-trained event of a version, delivered once. */
    hear: ({ manifest }: Pick<ModelFixture, 'manifest'>): Promise<number> =>
      deliver(app(), modelTrained, { ...EVENT_SAMPLES['model-trained'], version: manifest.version }),
    /** A tick of the cron; the status of its answer. */
    tick: async (): Promise<number> => (await post(app(), '/run')).status,
    verdict: ({ manifest }: Pick<ModelFixture, 'manifest'>): Promise<Verdict | null> =>
      registry.readVerdict(manifest.version),
    head: async (alias: Alias) => (await registry.aliasHead(alias))?.version ?? null,
    moves: () => bus.payloads('model-promoted').map(({ alias, version, sequence }) => [alias, version, sequence]),
    force: (alias: Alias, version: string | null, at: number = clock.now()) => {
      const then = createRegistry({ objects, worldClock: { now: () => at, speed: 1 } });
      return then.moveAlias(alias, { version, by: 'ann', reason: 'by hand', verdict: null, forced: true });
    },
  };
}

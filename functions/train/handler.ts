import { z } from 'zod';
import { MAX_PUSH_TRAINING_ROWS, MIN_NEW_EXAMPLES, TRAINING_REPORT_TTL_MS } from '#shared/defaults.ts';
import { modelTrained, type Payload, trainingRequested } from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import { rfc3339, timestamp } from '#shared/domain/primitives.ts';
import { type TrainingReport, trainingKey } from '#shared/domain/training-report.ts';
import { RejectedError } from '#shared/errors.ts';
import { dataSha256 } from '#shared/learning/examples.ts';
import { FEATURE_SET } from '#shared/learning/features.ts';
import type { trainInWorker } from '#shared/learning/train/in-worker.ts';
import { planOf, TRAIN_DEFAULTS, versionOf } from '#shared/learning/train/plan.ts';
import { readWindow, trainingWindow } from '#shared/learning/training-set.ts';
import type { Platform } from '#shared/platform.ts';
import type { Bus } from '#shared/ports/bus.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { State } from '#shared/ports/state.ts';
import type { Warehouse } from '#shared/ports/warehouse.ts';
import { maturedSince, trainingWatermark } from '#shared/queries/training.ts';
import { type LeaseOptions, withLease } from '#shared/registry/lease.ts';
import type { Manifest } from '#shared/registry/manifest.ts';
import type { Registry } from '#shared/registry/registry.ts';
import { eventFunction } from '#shared/runtime/event-function.ts';
import { json, type RuntimeDeps } from '#shared/runtime/http-function.ts';
import { quarantineOver } from '#shared/runtime/quarantine.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { whyNotTrain } from './decide.ts';
import { handOver } from './job.ts';
import { lastTrained, rememberTrained } from './last-trained.ts';

export interface TrainDeps extends RuntimeDeps {
  readonly worldClock: WorldClock;
  readonly bus: Bus;
  readonly state: State;
  readonly warehouse: Warehouse;
  readonly registry: Registry;
  readonly trainModel: typeof trainInWorker;
  /** Of the answer to a delivery, and of the training in it. Host milliseconds. */
  readonly deadlineMs: number;
  /** Where a long training goes; null: none is too long for here. */
  readonly startJob: Platform['startJob'];
}

/** Renewed while the training runs, so only a dead holder's runs out; short, so that a redelivery need not wait long for it. */
const LEASE_TTL_MS = 6_000;
/** A redelivery waits a dead holder's lease out: refusing at once would spend its few deliveries within a second. */
const LEASE_PATIENCE_MS = 10_000;

export function createTrain(deps: TrainDeps): FunctionApp {
  const { bus, state, log } = deps;
  return eventFunction({
    name: 'train',
    deps,
    worldClock: deps.worldClock,
    accepts: ['training-requested'],
    deadlineMs: deps.deadlineMs,
    quarantine: quarantineOver(bus),
    routes: [
      {
        method: 'POST',
        path: '/run',
        handle: async () => {
          const payload = { requested_at: rfc3339(deps.worldClock.now()), requested_by: 'cron', force: false, seed: 1 };
          await bus.publish(trainingRequested.topic, [encodeEvent(trainingRequested, payload)]);
          return json(200, { event_id: trainingRequested.eventId(payload) });
        },
      },
    ],
    handle: async (event, context) => {
      const request = trainingRequested.schema.parse(event.payload);
      // Delivered again after its end: somebody may already have read what became of it.
      if ((await state.get(trainingKey(event.eventId))) !== null) return;
      const report = await reportOf(() => train(deps, event.eventId, request, context.signal));
      if (report === null) return;
      await state.create(trainingKey(event.eventId), report, { ttlMs: TRAINING_REPORT_TTL_MS });
      log.info({ event_id: event.eventId, ...report }, 'training');
    },
  });
}

/** Data that cannot be trained on is an answer, not a bad event. */
async function reportOf(run: () => Promise<TrainingReport | null>): Promise<TrainingReport | null> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    return { result: 'failed', version: null, reason: `${error.code}: ${error.message}`, rows: 0 };
  }
}

/** The watermark of this request, the same at every delivery: a redelivered request is about the same rows. */
async function freeze({ warehouse, state }: TrainDeps, eventId: string): Promise<string | null> {
  const [newest] = await warehouse.query(trainingWatermark, {});
  if (newest === undefined || newest.watermark === null) return null;
  const { entry } = await state.create(
    `training-frozen/${eventId}`,
    { watermark: newest.watermark },
    { ttlMs: TRAINING_REPORT_TTL_MS },
  );
  return frozen.parse(entry.value).watermark;
}

const frozen = z.object({ watermark: timestamp });

/** Null: a job does it, and reports. */
async function train(
  deps: TrainDeps,
  eventId: string,
  request: Payload<'training-requested'>,
  signal: AbortSignal,
): Promise<TrainingReport | null> {
  const { warehouse, registry, state, log } = deps;
  const watermark = await freeze(deps, eventId);
  if (watermark === null) return { result: 'skipped', version: null, reason: 'no outcome has arrived yet', rows: 0 };

  const last = await lastTrained(state);
  // The last version is this request's own: it was killed between the version and the report.
  const own = last?.event_id === eventId;
  if (!request.force && last !== null && !own) {
    const [fresh] = await warehouse.query(maturedSince, { since: last.watermark });
    const why = whyNotTrain({ newRows: fresh?.matured ?? 0, lastRows: last.rows });
    if (why !== null) return { result: 'skipped', version: null, reason: why, rows: last.rows };
  }
  const window = await trainingWindow(warehouse, watermark);
  if (deps.startJob !== null && window.rows > MAX_PUSH_TRAINING_ROWS) {
    await handOver(deps, deps.startJob, request);
    return null;
  }
  const examples = await readWindow(warehouse, window);
  const rows = examples.length;
  if (!request.force && rows < MIN_NEW_EXAMPLES) {
    return {
      result: 'skipped',
      version: null,
      reason: `${rows} matured attempts; the first version waits for ${MIN_NEW_EXAMPLES}`,
      rows,
    };
  }

  const config = { ...TRAIN_DEFAULTS, seed: request.seed };
  const sha256 = await dataSha256(examples);
  const version = versionOf({ plan: planOf(config, rows), featureSet: FEATURE_SET, watermark, dataSha256: sha256 });
  const { known, manifest } = await withLease(state, `leases/train/${version}`, leaseOf(deps, version), async () => {
    // Looked up under the lease: the holder before may have finished it.
    const finished = await finishedVersion(registry, version);
    if (finished !== null) return { known: true, manifest: finished };
    const trained = await deps.trainModel(
      { examples, config, featureSet: FEATURE_SET, watermark, createdAt: rfc3339(deps.worldClock.now()) },
      {
        clock: deps.hostClock,
        deadlineMs: deps.deadlineMs,
        signal,
        onProgress: (progress) => log.debug({ model_version: version, ...progress }, 'training progress'),
      },
    );
    try {
      await registry.publishVersion(trained.manifest, trained.files);
      return { known: false, manifest: trained.manifest };
    } catch (error) {
      // Suspended past its lease, this holder comes second; what the first one made of the same rows stands.
      const theirs = isTaken(error) ? await finishedVersion(registry, version) : null;
      if (theirs === null) throw error;
      return { known: true, manifest: theirs };
    }
  });
  // Published again for a known version: promote may never have heard of it.
  await deps.bus.publish(modelTrained.topic, [encodeEvent(modelTrained, trainedEvent(manifest))]);
  await rememberTrained(state, { version, watermark, rows, event_id: eventId });
  return { result: known ? 'known' : 'trained', version, reason: null, rows };
}

const isTaken = (error: unknown): boolean =>
  error instanceof RejectedError && error.code === 'object_precondition_failed';

/** Its manifest; null when nobody has finished it. */
async function finishedVersion(registry: Registry, version: string): Promise<Manifest | null> {
  return (await registry.listVersions()).includes(version) ? registry.readManifest(version) : null;
}

const leaseOf = ({ hostClock }: TrainDeps, owner: string): LeaseOptions => ({
  ttlMs: LEASE_TTL_MS,
  patienceMs: LEASE_PATIENCE_MS,
  owner,
  hostClock,
});

function trainedEvent({ version, created_at, training }: Manifest): Parameters<typeof modelTrained.eventId>[0] {
  return {
    version,
    trained_at: created_at,
    training_rows: training.rows,
    holdout_rows: training.holdout_rows,
    backend: training.backend,
    watermark: training.watermark,
    data_sha256: training.data_sha256,
  };
}

import { eventRejected, modelTrained } from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { AuroraError, RejectedError, TransientError } from '#shared/errors.ts';
import { evaluateModel, type StoredModel } from '#shared/learning/evaluate/index.ts';
import { dataSha256 } from '#shared/learning/examples.ts';
import { judge } from '#shared/learning/gate.ts';
import { createNetwork } from '#shared/learning/network.ts';
import { splitByTime } from '#shared/learning/train/split.ts';
import { readTrainingSet } from '#shared/learning/training-set.ts';
import type { Bus } from '#shared/ports/bus.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { Warehouse } from '#shared/ports/warehouse.ts';
import type { Manifest } from '#shared/registry/manifest.ts';
import { promotedEvent } from '#shared/registry/promoted-event.ts';
import type { Alias, AliasEntry, Artefact, Registry } from '#shared/registry/registry.ts';
import type { Verdict } from '#shared/registry/verdict.ts';
import { eventFunction } from '#shared/runtime/event-function.ts';
import type { RuntimeDeps } from '#shared/runtime/http-function.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';

export interface PromoteDeps extends RuntimeDeps {
  readonly worldClock: WorldClock;
  readonly bus: Bus;
  readonly warehouse: Warehouse;
  readonly registry: Registry;
}

const PROMOTE_DEADLINE_MS = 120_000;

export function createPromote(deps: PromoteDeps): FunctionApp {
  const verdicts = deps.metrics.counter({
    name: 'aurora_verdicts_total',
    help: 'Verdicts on model versions',
    labels: ['verdict'],
  });
  return eventFunction({
    name: 'promote',
    deps,
    worldClock: deps.worldClock,
    accepts: ['model-trained'],
    deadlineMs: PROMOTE_DEADLINE_MS,
    quarantine: async (rejected) => {
      await deps.bus.publish(eventRejected.topic, [encodeEvent(eventRejected, rejected)]);
    },
    handle: async (event) => {
      const { version } = modelTrained.schema.parse(event.payload);
      const manifest = await deps.registry.readManifest(version);
      const standing = await deps.registry.readVerdict(version);
      const verdict = standing ?? (await deps.registry.writeVerdict(version, await judgeVersion(deps, manifest)));
      if (standing === null) verdicts.with({ verdict: verdict.verdict }).add();
      const moved = await act(deps, manifest, verdict);
      if (moved !== null) await announce(deps.bus, moved);
      deps.log.info(
        {
          model_version: version,
          verdict: verdict.verdict,
          reasons: verdict.reasons.slice(0, 3),
          alias: moved?.alias ?? null,
        },
        'verdict',
      );
    },
  });
}

/** Why a version cannot be judged, whatever evidence comes in later. */
const UNJUDGEABLE: readonly string[] = ['artefact_corrupt', 'artefact_incompatible'];

/** Always a verdict, for someone waits for it: what cannot be judged is rejected. @throws RejectedError version_unknown */
async function judgeVersion(deps: PromoteDeps, manifest: Manifest): Promise<Verdict> {
  try {
    return await judgeOnRecord(deps, manifest);
  } catch (error) {
    if (!(error instanceof RejectedError) || !UNJUDGEABLE.includes(error.code)) throw error;
    return {
      verdict: 'reject',
      reasons: [`${error.code}: ${error.message}`.slice(0, MAX_REASON)],
      checks: [],
      metrics: {},
      decided_at: rfc3339(deps.worldClock.now()),
      compared_with: null,
    };
  }
}

/** Of a reason in a verdict. */
const MAX_REASON = 1_024;

/** The version and the champion on the rows that the version was not trained on. */
async function judgeOnRecord(deps: PromoteDeps, { version, training: trained }: Manifest): Promise<Verdict> {
  const { registry, warehouse, worldClock } = deps;
  const challenger = await registry.loadArtefact(version);
  const examples = await readTrainingSet(warehouse, trained.watermark);
  const found = await dataSha256(examples);
  if (found !== trained.data_sha256) {
    throw new RejectedError(
      'artefact_incompatible',
      `${version} was trained on rows ${trained.data_sha256.slice(0, 12)}, the record up to ${trained.watermark} now gives ${found.slice(0, 12)}`,
    );
  }
  const { training, holdout } = splitByTime(examples, trained.holdout_rows);
  const champion = await championArtefact(deps);
  const evaluation = await evaluateModel({
    training,
    holdout,
    challenger: stored(challenger),
    champion: champion === null ? null : stored(champion),
    seed: trained.seed,
  });
  return judge({ evaluation, decidedAt: rfc3339(worldClock.now()) });
}

const stored = ({ manifest, files }: Artefact): StoredModel => ({ manifest, weights: files['weights.bin'] });

/** A champion that is broken cannot be compared with; it must not stop the judgement of its successor, nor be blamed on it. */
async function championArtefact({ registry, log }: PromoteDeps): Promise<Artefact | null> {
  let version: string | null = null;
  try {
    version = (await registry.aliasHead('champion'))?.version ?? null;
    if (version === null) return null;
    const champion = await registry.loadArtefact(version);
    createNetwork(champion.manifest, champion.files['weights.bin']);
    return champion;
  } catch (error) {
    if (!(error instanceof AuroraError) || error.retryable) throw error;
    const fields = { model_version: version, error: error.message };
    log.error(fields, 'the champion cannot be loaded; the version is judged without it');
    return null;
  }
}

/** promote -> champion; not enough evidence -> apprentice (scored and shown, the rules act); reject -> nothing moves. */
async function act(deps: PromoteDeps, manifest: Manifest, verdict: Verdict): Promise<AliasEntry | null> {
  const { registry } = deps;
  const { version } = manifest;
  const alias: Alias | null =
    verdict.verdict === 'promote' ? 'champion' : verdict.verdict === 'not-enough-evidence' ? 'apprentice' : null;
  if (alias === null) return null;
  const history = await registry.aliasHistory(alias);
  // Moved before: only its announcement may be missing, whatever has followed since.
  const made = history.find((entry) => entry.version === version && entry.by === PROMOTED_BY);
  if (made !== undefined) return made;
  const head = history.at(-1) ?? null;
  if (head !== null && (head.at >= verdict.decided_at || (await isNewer(deps, head.version, manifest)))) return null;
  try {
    return await registry.moveAlias(alias, {
      version,
      by: PROMOTED_BY,
      reason: verdict.reasons[0] ?? verdict.verdict,
      verdict: verdict.verdict,
      forced: false,
      ifSequence: head?.sequence ?? 0,
    });
  } catch (error) {
    if (!(error instanceof AuroraError) || error.code !== 'state_conflict') throw error;
    throw new TransientError('objects_unavailable', `alias ${alias} was moved meanwhile`, { cause: error });
  }
}

const PROMOTED_BY = 'promote';

/** A late verdict must not put an older version in the place of one that learned from more. */
async function isNewer({ registry }: PromoteDeps, head: string | null, { training }: Manifest): Promise<boolean> {
  if (head === null) return false;
  try {
    return (await registry.readManifest(head)).training.watermark > training.watermark;
  } catch (error) {
    // A head that cannot be read is no reason to keep it.
    if (!(error instanceof AuroraError) || error.retryable) throw error;
    return false;
  }
}

async function announce(bus: Bus, entry: AliasEntry): Promise<void> {
  const { topic, message } = promotedEvent(entry);
  await bus.publish(topic, [message]);
}

/** The verdict on a version, or on the learner on its own: promote, reject (worse or broken), or not enough evidence. */
import { GATE_ALPHA, GATE_FINAL_ALPHA, LINEAR_HOLDOUT_SHARE, MAX_JUDGED_DECISIONS } from '#shared/defaults.ts';
import { LINEAR } from '#shared/domain/actor.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { AuroraError, RejectedError, TransientError } from '#shared/errors.ts';
import { dataSha256 } from '#shared/learning/examples.ts';
import { judge, unevaluated } from '#shared/learning/gate/judge.ts';
import { type Contestant, linearContestant, versionContestant } from '#shared/learning/record/contestant.ts';
import { provenNetwork } from '#shared/learning/scorer.ts';
import { loadWhole } from '#shared/learning/servable.ts';
import { readTrainingSet } from '#shared/learning/training-set.ts';
import type { AliasEntry, WholeVersion } from '#shared/registry/registry.ts';
import type { Verdict } from '#shared/registry/verdict.ts';
import { readControl } from '#shared/serving/change-control.ts';
import type { PromoteDeps } from './deps.ts';
import { contestOver } from './record.ts';
import { scoringMs } from './scoring-time.ts';

/**
 * Always a verdict, for someone waits for it: what cannot serve is rejected, what cannot be put to the test has not enough
 * evidence.
 * @throws RejectedError version_unknown
 * @throws TransientError when a store is away, or when the champion changed while the version was compared with it
 */
export async function judgeVersion(deps: PromoteDeps, version: string): Promise<Verdict> {
  // Before anything is looked at: whatever moves an alias from now on came after this verdict.
  const decidedAt = rfc3339(deps.worldClock.now());
  let challenger: WholeVersion;
  try {
    challenger = await loadWhole(deps.registry, version);
  } catch (error) {
    if (!(error instanceof RejectedError) || !BROKEN.includes(error.code)) throw error;
    return unevaluated('reject', `${error.code}: ${error.message}`, decidedAt);
  }
  return judgeOnRecord(deps, challenger, decidedAt);
}

/** No evidence mends it. */
const BROKEN: readonly string[] = ['artefact_corrupt', 'artefact_incompatible'];

/** The version, the champion and the learner on its own, on what the version was not trained on. */
async function judgeOnRecord(deps: PromoteDeps, challenger: WholeVersion, decidedAt: string): Promise<Verdict> {
  const { registry, warehouse } = deps;
  const { version, training: trained } = challenger.manifest;
  const examples = await readTrainingSet(warehouse, trained.watermark);
  const found = await dataSha256(examples);
  if (found !== trained.data_sha256) {
    // That the record changed says nothing of the model; but which rows it has not seen cannot be told any more.
    const [then, now] = [
      `${trained.rows} rows (${trained.data_sha256.slice(0, 12)})`,
      `${examples.length} rows (${found.slice(0, 12)})`,
    ];
    const reason = `data: trained on ${then}, but the record up to ${trained.watermark} now gives ${now}: there is no holdout that it has surely not seen; train again`;
    return unevaluated('not-enough-evidence', reason, decidedAt);
  }
  const head = await registry.aliasHead('champion');
  const { watermark, holdout_rows: holdoutRows, seed } = trained;
  const { control } = await readControl(deps);
  const alpha = control.stage === 'online' ? GATE_FINAL_ALPHA : GATE_ALPHA;
  // Without a champion the learner on its own acts in stage online; elsewhere the rules do.
  const champion =
    head?.version == null && control.stage === 'online' ? linearContestant() : await comparable(deps, head, version);
  const { contest, decisions } = await contestOver(warehouse, { watermark, examples, holdoutRows, seed, alpha });
  const own = servedBy(challenger);
  const evaluation = await contest.evaluate({
    challenger: own.contestant,
    network: own.network,
    champion,
    championSkipped: null,
    linear: linearContestant(),
  });
  const now = await registry.aliasHead('champion');
  if (now?.sequence !== head?.sequence)
    throw new TransientError('objects_unavailable', `champion was moved while ${version} was compared with it`);
  const learner = await contest.learnerOf(own.contestant);
  const tookMs = scoringMs(own.contestant, learner, decisions, deps.metrics.stopwatchMs);
  return judge({ evaluation, decidedAt, scoringMs: tookMs });
}

/** What is served when the version is. */
function servedBy({ manifest, files }: WholeVersion) {
  const network = provenNetwork(manifest, files['weights.bin']);
  return {
    contestant: versionContestant({ manifest, network, outOfFold: files['out-of-fold.bin'] ?? null }),
    network: { network, targets: manifest.targets },
  };
}

/**
 * The learner on its own, on the newest attempts that have matured: it learns as it goes, so most of them can be asked of it.
 * @throws TransientError when a store is away
 */
export async function judgeLearner(deps: PromoteDeps, watermark: string): Promise<Verdict> {
  const { warehouse, worldClock } = deps;
  const decidedAt = rfc3339(worldClock.now());
  const examples = await readTrainingSet(warehouse, watermark, MAX_JUDGED_DECISIONS);
  const holdoutRows = Math.round(LINEAR_HOLDOUT_SHARE * examples.length);
  const { contest, decisions } = await contestOver(warehouse, {
    watermark,
    examples,
    holdoutRows,
    seed: LEARNER_SEED,
    alpha: GATE_ALPHA,
  });
  const challenger = linearContestant();
  const match = { challenger, network: null, champion: null, championSkipped: null, linear: null };
  const evaluation = await contest.evaluate(match);
  const tookMs = scoringMs(challenger, await contest.learnerOf(challenger), decisions, deps.metrics.stopwatchMs);
  return judge({ evaluation, decidedAt, scoringMs: tookMs });
}

/** Of the bootstrap; a version brings its own. */
const LEARNER_SEED = 1;

/**
 * The champion to compare with. A broken one cannot be compared with; it must not stop the judgement of its successor, nor be
 * blamed on it. Nor is a version that was forced into office its own measure.
 */
async function comparable(
  { registry, log }: PromoteDeps,
  head: AliasEntry | null,
  version: string,
): Promise<Contestant | null> {
  if (head === null || head.version === null || head.version === version) return null;
  if (head.version === LINEAR) return linearContestant();
  try {
    return servedBy(await loadWhole(registry, head.version)).contestant;
  } catch (error) {
    if (!(error instanceof AuroraError) || error.retryable) throw error;
    const fields = { model_version: head.version, error: error.message };
    log.error(fields, 'the champion cannot be loaded; the version is judged without it');
    return null;
  }
}

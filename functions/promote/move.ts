/** What a verdict does to the aliases. */
import { LINEAR } from '#shared/domain/actor.ts';
import type { Control, Stage } from '#shared/domain/control.ts';
import { AuroraError, TransientError } from '#shared/errors.ts';
import { isFinal } from '#shared/learning/gate/judge.ts';
import { whyNotServable } from '#shared/learning/servable.ts';
import type { Alias, AliasEntry } from '#shared/registry/registry.ts';
import { isDamageMove, wasDamaged } from '#shared/registry/succession.ts';
import type { Verdict } from '#shared/registry/verdict.ts';
import { readControl } from '#shared/serving/change-control.ts';
import { PROMOTE, type PromoteDeps } from './deps.ts';
import { changeNotes, readNotes } from './notes.ts';
import { verdictOn } from './verdict-on.ts';

/**
 * Who passed is champion at once where the gate's word is the last (stage online) and was as sure as that takes; elsewhere it is
 * the apprentice, and a trial has to prove it, as who has not enough evidence may yet be succeeded by one that has. Who was
 * rejected moves nothing.
 */
function aliasOf(verdict: Verdict, stage: Stage): Alias | null {
  if (verdict.verdict === 'reject') return null;
  return stage === 'online' && isFinal(verdict) ? 'champion' : 'apprentice';
}

/** Answers the move that was made now; null when the alias stays. @throws TransientError when somebody else moved it meanwhile */
export async function moveByVerdict(deps: PromoteDeps, version: string, verdict: Verdict): Promise<AliasEntry | null> {
  const { registry, log } = deps;
  const { control } = await readControl(deps);
  const alias = aliasOf(verdict, control.stage);
  if (alias === null) return null;
  const moves = await registry.recentMoves(alias);
  const why = (await whyItStays(deps, { version, verdict, moves })) ?? (await whoWaits(deps, alias, verdict, control));
  if (why !== null) {
    log.info({ model_version: version, alias, why }, 'alias stays');
    return null;
  }
  if (control.trial !== null && (alias === 'champion' || control.trial.challenger !== LINEAR)) {
    // The aliases of those who are tried stay until it is over. Of several that wait the last has learned from most.
    await changeNotes(deps, (notes) => ({ ...notes, waiting: version }));
    log.info({ model_version: version, alias }, 'the verdict takes effect after the trial');
    return null;
  }
  try {
    return await registry.moveAlias(alias, {
      version,
      by: PROMOTE,
      reason: verdict.reasons[0] ?? verdict.verdict,
      verdict: verdict.verdict,
      forced: false,
      ifSequence: moves.at(-1)?.sequence ?? 0,
    });
  } catch (error) {
    if (!(error instanceof AuroraError) || error.code !== 'state_conflict') throw error;
    throw new TransientError('objects_unavailable', `alias ${alias} was moved meanwhile`, { cause: error });
  }
}

/** In stage auto a version that passed keeps its place until it has been tried, whoever comes after it with less to show. */
async function whoWaits(
  deps: PromoteDeps,
  alias: Alias,
  { verdict }: Verdict,
  { stage }: Control,
): Promise<string | null> {
  if (alias !== 'apprentice' || verdict === 'promote' || stage !== 'auto') return null;
  const { waiting, retry_at } = await readNotes(deps);
  const champion = await deps.registry.aliasHead('champion');
  for (const name of [waiting, (await deps.registry.aliasHead('apprentice'))?.version ?? null]) {
    if (name === null || name === LINEAR || name === champion?.version || retry_at[name] !== undefined) continue;
    if ((await verdictOn(deps, name))?.verdict === 'promote') return `${name} has passed and waits for its trial`;
  }
  return null;
}

interface Move {
  readonly version: string;
  readonly verdict: Verdict;
  /** Of the alias, oldest first. */
  readonly moves: readonly AliasEntry[];
}

async function whyItStays(deps: PromoteDeps, { version, verdict, moves }: Move): Promise<string | null> {
  if (moves.some((move) => move.version === version && move.by === PROMOTE && move.verdict !== null))
    return 'the verdict has moved it before, whatever followed';
  if (wasDamaged(moves, version))
    return 'the version was taken back because it did not load; only force brings it back';
  // A move away from damage is nobody's choice: it does not outrank a verdict.
  const chosen = moves.findLast((move) => !isDamageMove(move));
  if (chosen !== undefined && chosen.at > verdict.decided_at) return 'it was moved after the verdict';
  if (await learnedFromMore(deps, moves.at(-1)?.version ?? null, version))
    return 'the version that it names learned from more';
  return whyNotServable(deps.registry, version);
}

/** A late verdict must not put an older version in the place of one that learned from more. */
async function learnedFromMore({ registry }: PromoteDeps, head: string | null, version: string): Promise<boolean> {
  if (head === null) return false;
  try {
    const [named, own] = [await registry.readManifest(head), await registry.readManifest(version)];
    return named.training.watermark > own.training.watermark;
  } catch (error) {
    // What cannot be read is no reason to keep the head; whether the version itself can serve is looked at next.
    if (!(error instanceof AuroraError) || error.retryable) throw error;
    return false;
  }
}

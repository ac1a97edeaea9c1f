/** What acts, held against the rules on what it earned; and the way back. */
import { ROLLBACK_RULES_DECISIONS, ROLLBACK_WINDOWS } from '#shared/defaults.ts';
import { LINEAR, RULES } from '#shared/domain/actor.ts';
import { TransientError } from '#shared/errors.ts';
import { readDecisions } from '#shared/learning/record/read-record.ts';
import { whyNotServable } from '#shared/learning/servable.ts';
import { whyGoBack } from '#shared/learning/stages/rollback.ts';
import { RETRY_GROWTH } from '#shared/learning/switchback/schedule.ts';
import { changeControl, controlHistory } from '#shared/serving/change-control.ts';
import { PROMOTE, type PromoteDeps } from '../deps.ts';
import { changeNotes, withRetry } from '../notes.ts';
import type { Situation } from './situation.ts';

/** Changes of the control among which the last one of the stage is looked for. */
const RECENT_CHANGES = 32;
/** Of the bootstrap behind its deviations. */
const SEED = 1;

/** Why it went back to whoever acted before; null: the actor stays. @throws TransientError when a store is away */
export async function lookBack(deps: PromoteDeps, actor: string, situation: Situation): Promise<string | null> {
  const { watermark, champion, ended } = situation;
  if (watermark === null) return null;
  const { warehouse, log } = deps;
  const sinceMs = champion === null ? await stageSinceMs(deps) : Date.parse(champion.at);
  const newest = await readDecisions(warehouse, { watermark, actor, limit: Math.max(...ROLLBACK_WINDOWS) });
  const own = newest.filter(
    ({ decidedAtMs, expected, candidates }) => decidedAtMs >= sinceMs && expected.length === candidates.length,
  );
  const rules = await readDecisions(warehouse, { watermark, actor: RULES, limit: ROLLBACK_RULES_DECISIONS });
  const why = whyGoBack(own, rules, Date.parse(watermark), SEED);
  if (why === null) return null;
  // First: once it has gone back, nothing remembers that it did so but this.
  await changeNotes(deps, (notes) => withRetry(notes, actor, RETRY_GROWTH.worse * ended));
  await goBack(deps, actor, why, situation);
  log.error({ actor, why }, 'what acts earns less than the rules; it goes back');
  return why;
}

/** Nobody has said so since ever: it has always been so. */
async function stageSinceMs(deps: PromoteDeps): Promise<number> {
  const changes = await controlHistory(deps, RECENT_CHANGES);
  const last = changes.findLast(({ change }) => change.kind === 'stage');
  return last === undefined ? Number.NEGATIVE_INFINITY : Date.parse(last.at);
}

/** @throws TransientError when somebody else moved the champion meanwhile */
async function goBack(
  deps: PromoteDeps,
  actor: string,
  reason: string,
  { champion, control }: Situation,
): Promise<void> {
  const { registry } = deps;
  // Without a champion the stage alone lets the learner on its own act: in stage auto it has to be proved first.
  if (actor === LINEAR && control.stage === 'online')
    await changeControl(deps, {
      change: { kind: 'stage', stage: 'auto' },
      by: PROMOTE,
      reason: `${LINEAR}: ${reason}`,
    });
  if (champion === null) return;
  const serves = async (version: string): Promise<boolean> => (await whyNotServable(registry, version)) === null;
  const head = await registry.aliasHead('champion');
  if (head?.sequence !== champion.sequence)
    throw new TransientError('objects_unavailable', 'champion was moved while it was looked back at');
  await registry.rollback('champion', { by: PROMOTE, reason, serves, ifSequence: champion.sequence });
}

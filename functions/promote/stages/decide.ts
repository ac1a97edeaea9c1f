/** Which step comes next. Pure: the same situation gives the same step, so a step that was killed is simply taken again. */
import { ROLLBACK_EVERY } from '#shared/defaults.ts';
import { LINEAR, RULES } from '#shared/domain/actor.ts';
import type { Trial } from '#shared/domain/control.ts';
import { nextLookAt } from '#shared/learning/stages/next-look.ts';
import { endsByMs, TOO_LITTLE } from '#shared/learning/switchback/forecast.ts';
import type { Candidate, Situation } from './situation.ts';

export type Step =
  | { readonly kind: 'none'; readonly why: string }
  /** @param lost it had its chance: not again before the record has grown */
  | { readonly kind: 'end_trial'; readonly trial: Trial; readonly reason: string; readonly lost: boolean }
  | { readonly kind: 'judge_trial'; readonly trial: Trial }
  | { readonly kind: 'look_back'; readonly actor: string }
  | { readonly kind: 'move_waiting'; readonly version: string }
  | { readonly kind: 'begin_trial'; readonly challenger: string; readonly reason: string }
  | { readonly kind: 'judge_learner' };

/** @param lookedMs when this instance last looked at the trial, world epoch milliseconds; a new one looks at once */
export function nextStep(situation: Situation, lookedMs = Number.NEGATIVE_INFINITY): Step {
  const { control, notes } = situation;
  if (control.trial !== null) return ofTrial(control.trial, situation, lookedMs);
  if (control.kill !== null) return { kind: 'none', why: 'the kill switch is pulled' };
  if (notes.waiting !== null) return { kind: 'move_waiting', version: notes.waiting };
  // The look back last: it is due again and again where much happens, the others seldom.
  return trying(situation) ?? judging(situation) ?? lookingBack(situation) ?? { kind: 'none', why: 'nothing is due' };
}

function ofTrial(trial: Trial, { control, champion, apprentice, nowMs }: Situation, lookedMs: number): Step {
  const { challenger, arms, start, block_ms: blockMs } = trial;
  const end = (reason: string, lost = false): Step => ({ kind: 'end_trial', trial, reason, lost });
  // Killed between the two halves of a victory.
  if (champion?.version === challenger) return end(champion.reason);
  if (control.stage !== 'auto') return end(`given up: the stage is ${control.stage}`);
  if (control.kill !== null) return end('given up: the kill switch is pulled');
  const acts = champion?.version ?? RULES;
  if (acts !== arms[0]) return end(`given up: ${acts} acts instead of ${arms[0]}`);
  if (challenger !== LINEAR && apprentice?.name !== challenger)
    return end(`given up: ${challenger} is the apprentice no more`);
  if (nowMs > endsByMs(trial)) return end(TOO_LITTLE, true);
  if (nowMs < Date.parse(start) + 2 * blockMs || nowMs < lookedMs + blockMs)
    return { kind: 'none', why: 'the trial runs' };
  return { kind: 'judge_trial', trial };
}

/** What acts by itself is held against the rules now and then. */
function lookingBack({ control, champion, ended, notes }: Situation): Step | null {
  const actor =
    control.stage === 'apprentice' ? null : (champion?.version ?? (control.stage === 'online' ? LINEAR : null));
  const due = notes.looked_back_at === null ? 0 : notes.looked_back_at + ROLLBACK_EVERY;
  return actor === null || ended < due ? null : { kind: 'look_back', actor };
}

/** Whoever passed and does not act yet, when enough has ended since it was tried last. */
function trying(situation: Situation): Step | null {
  if (situation.control.stage !== 'auto') return null;
  for (const { name, verdict, ready, notBefore } of contendersOf(situation)) {
    if (verdict?.verdict !== 'promote' || !ready || situation.ended < notBefore) continue;
    return { kind: 'begin_trial', challenger: name, reason: verdict.reasons[0] ?? 'it passed the gate' };
  }
  return null;
}

export interface Candidacy extends Candidate {
  /** Ended attempts. */
  readonly notBefore: number;
}

/**
 * Who may be tried against what acts: a version before the learner on its own, which learns on anyway. Not whom a person's word
 * took out of office, until the gate speaks of it again.
 */
export function contendersOf({
  champion,
  dismissed,
  apprentice,
  learner,
  notes,
}: Pick<Situation, 'champion' | 'dismissed' | 'apprentice' | 'learner' | 'notes'>): readonly Candidacy[] {
  const alone = champion === null ? { name: LINEAR, verdict: learner, ready: learner?.ready ?? false } : null;
  return [apprentice, alone].flatMap((contender) => {
    if (contender === null || contender.name === champion?.version) return [];
    if (contender.name === dismissed?.name && (contender.verdict?.decided_at ?? '') <= dismissed.at) return [];
    return [{ ...contender, notBefore: notes.retry_at[contender.name] ?? 0 }];
  });
}

/** While the rules act, the learner on its own is judged each time that the record has grown by its share. */
function judging(situation: Situation): Step | null {
  const { learner, ended } = situation;
  if (whyNotJudged(situation) !== null || ended < nextLookAt(learner?.ended ?? null)) return null;
  return { kind: 'judge_learner' };
}

/** Why the learner on its own is not judged now, whatever has ended; null: nothing is in the way. */
export function whyNotJudged({ control, champion }: Pick<Situation, 'control' | 'champion'>): string | null {
  if (control.trial !== null) return 'a trial runs';
  if (control.kill !== null) return 'the kill switch is pulled';
  if (control.stage === 'online') return 'in stage online it needs no proof';
  return champion === null ? null : `${champion.version} acts, and not the rules`;
}

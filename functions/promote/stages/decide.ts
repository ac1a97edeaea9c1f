/** Which step comes next. Pure: the same situation gives the same step, so a step that was killed is simply taken again. */
import { FIRST_LOOK, LOOK_GROWTH, ROLLBACK_EVERY, SWITCHBACK_LOOKS } from '#shared/defaults.ts';
import { LINEAR, RULES } from '#shared/domain/actor.ts';
import type { Trial } from '#shared/domain/control.ts';
import type { Situation } from './situation.ts';

export type Step =
  | { readonly kind: 'none'; readonly why: string }
  /** @param lost it had its chance: not again before the record has grown */
  | { readonly kind: 'end_trial'; readonly trial: Trial; readonly reason: string; readonly lost: boolean }
  | { readonly kind: 'judge_trial'; readonly trial: Trial }
  | { readonly kind: 'look_back'; readonly actor: string }
  | { readonly kind: 'move_waiting'; readonly version: string }
  | { readonly kind: 'begin_trial'; readonly challenger: string; readonly reason: string }
  | { readonly kind: 'judge_learner' };

/** When this instance looked last; a new one looks at once. */
export interface Looked {
  /** Back at what acts, by ended attempts. */
  readonly backAt: number;
  /** At a trial, world epoch milliseconds. */
  readonly trialMs: number;
}

export const NEVER_LOOKED: Looked = { backAt: Number.NEGATIVE_INFINITY, trialMs: Number.NEGATIVE_INFINITY };

/** Blocks without anything to compare do not count, but they pass: so many times the pairs of the last look, and it was in vain. */
const PATIENCE = 4;

export function nextStep(situation: Situation, looked: Looked): Step {
  const { control, notes } = situation;
  if (control.trial !== null) return ofTrial(control.trial, situation, looked);
  if (control.kill !== null) return { kind: 'none', why: 'the kill switch is pulled' };
  if (notes.waiting !== null) return { kind: 'move_waiting', version: notes.waiting };
  return (
    lookingBack(situation, looked) ?? trying(situation) ?? judging(situation) ?? { kind: 'none', why: 'nothing is due' }
  );
}

function ofTrial(trial: Trial, { control, champion, apprentice, nowMs }: Situation, looked: Looked): Step {
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
  const sinceMs = nowMs - Date.parse(start);
  if (sinceMs > PATIENCE * 2 * (SWITCHBACK_LOOKS.at(-1) ?? 0) * blockMs)
    return end('not proved better: too few of its blocks could be compared', true);
  if (sinceMs < 2 * blockMs || nowMs < looked.trialMs + blockMs) return { kind: 'none', why: 'the trial runs' };
  return { kind: 'judge_trial', trial };
}

/** What acts by itself is held against the rules now and then. */
function lookingBack({ control, champion, ended }: Situation, looked: Looked): Step | null {
  const actor =
    control.stage === 'apprentice' ? null : (champion?.version ?? (control.stage === 'online' ? LINEAR : null));
  return actor === null || ended < looked.backAt + ROLLBACK_EVERY ? null : { kind: 'look_back', actor };
}

/** A version that passed before the learner on its own, which learns on anyway. */
function trying({ control, champion, apprentice, learner, ended, notes }: Situation): Step | null {
  if (control.stage !== 'auto') return null;
  const acting = champion?.version ?? null;
  const contenders = [apprentice, acting === null ? { name: LINEAR, verdict: learner } : null];
  for (const contender of contenders) {
    if (contender?.verdict?.verdict !== 'promote' || contender.name === acting) continue;
    if (ended < (notes.retry_at[contender.name] ?? 0)) continue;
    const reason = contender.verdict.reasons[0] ?? 'it passed the gate';
    return { kind: 'begin_trial', challenger: contender.name, reason };
  }
  return null;
}

/** While the rules act, the learner on its own is judged each time that the record has grown by its share. */
function judging({ control, champion, learner, ended }: Situation): Step | null {
  if (control.stage === 'online' || champion !== null) return null;
  const due = Math.max(FIRST_LOOK, Math.ceil((learner?.ended ?? 0) * LOOK_GROWTH));
  return ended >= due ? { kind: 'judge_learner' } : null;
}

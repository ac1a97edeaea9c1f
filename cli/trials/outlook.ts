/** What leads to the next trial, and about when. Pure. */
import { contendersOf } from '#functions/promote/stages/decide.ts';
import type { Situation } from '#functions/promote/stages/situation.ts';
import { LINEAR, RULES } from '#shared/domain/actor.ts';
import type { Control } from '#shared/domain/control.ts';
import { forecastOf } from '#shared/learning/switchback/forecast.ts';
import { planTrial, type Traffic } from '#shared/learning/switchback/schedule.ts';
import type { Verdict } from '#shared/registry/verdict.ts';
import { type NextLook, nextLookOf } from './next-look.ts';

export interface Outlook {
  /** What bars every trial, and its remedy; null: nothing. */
  readonly barred: string | null;
  /** Who could be tried next, first come first. */
  readonly contenders: readonly {
    readonly name: string;
    readonly verdict: Verdict['verdict'] | null;
    readonly reason: string | null;
    /** Not again before so many attempts have ended, for it was tried; null: at once. */
    readonly not_before: number | null;
  }[];
  /** At the learner on its own. */
  readonly next_look: NextLook;
  readonly decisions_per_day: number;
  /** A trial that began now: how long its blocks were, and from its beginning to the first and last look that can prove it. */
  readonly trial: { readonly block_ms: number; readonly first_proof_ms: number; readonly last_look_ms: number };
}

export function outlookOf(situation: Situation, traffic: Traffic): Outlook {
  const { control, champion, ended, nowMs } = situation;
  const planned = planTrial({
    control: champion?.version ?? RULES,
    challenger: LINEAR,
    startMs: nowMs,
    traffic,
    seed: 0,
  });
  const { nextProof, lastLook } = forecastOf(planned, { matured: 0, leftOut: 0 });
  return {
    barred: whyBarred(control),
    contenders: contendersOf(situation).map(({ name, verdict, notBefore }) => ({
      name,
      verdict: verdict?.verdict ?? null,
      reason: verdict?.reasons[0] ?? null,
      not_before: notBefore > ended ? notBefore : null,
    })),
    next_look: nextLookOf(situation, traffic),
    decisions_per_day: 24 * traffic.decisionsPerHour,
    trial: {
      block_ms: planned.block_ms,
      first_proof_ms: (nextProof ?? lastLook).earliestMs - nowMs,
      last_look_ms: lastLook.earliestMs - nowMs,
    },
  };
}

function whyBarred({ kill, stage }: Control): string | null {
  if (kill !== null) return 'the kill switch is pulled: vm control resume';
  return stage === 'auto' ? null : `the stage is ${stage}: vm control stage auto`;
}

/** How a trial stands. Pure: the same record at the same instant says the same. */
import type { Control } from '#shared/domain/control.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { forecastOf, type Look } from '#shared/learning/switchback/forecast.ts';
import type { TrialRecord } from '#shared/learning/switchback/pairs.ts';
import { armOf, blockEndMs } from '#shared/learning/switchback/schedule.ts';
import { type TrialVerdict, testSwitchback } from '#shared/learning/switchback/test.ts';
import type { Begun } from './past.ts';

/** Instants are world time, RFC 3339. */
export interface RunningTrial extends Begun {
  /** Whose turn it is. */
  readonly turn: {
    readonly arm: string;
    /** From 0; -1: its blocks have not begun. */
    readonly block: number;
    readonly until: string;
  };
  /** Why nobody minds the turns; null: the arm acts. */
  readonly suspended: string | null;
  readonly pairs: {
    /** All their runs are over, or nearly: they count. */
    readonly matured: number;
    /** Nothing could be compared in them. */
    readonly left_out: number;
    /** Over, but their runs are not. */
    readonly waiting: number;
  };
  /** By what has matured; decided: it takes effect at the next step of promote. */
  readonly so_far: TrialVerdict;
  readonly next_look: LookAt | null;
  /** The next at which the challenger can be proved better. */
  readonly next_proof: LookAt | null;
  readonly last_look: LookAt;
  /** Given up then, whatever its blocks hold. */
  readonly ends_by: string;
}

export interface LookAt {
  /** Matured ones. */
  readonly pairs: number;
  readonly earliest: string;
}

export function runningTrial(begun: Begun, control: Control, record: TrialRecord, nowMs: number): RunningTrial {
  const { trial } = begun;
  const pairs = record.pairs(nowMs);
  const { arm, block } = armOf(trial, nowMs);
  const [matured, leftOut] = [pairs.length, record.leftOut(nowMs)];
  const forecast = forecastOf(trial, { matured, leftOut });
  const at = ({ pairs: count, earliestMs }: Look): LookAt => ({ pairs: count, earliest: rfc3339(earliestMs) });
  return {
    ...begun,
    turn: { arm, block, until: rfc3339(blockEndMs(trial, block)) },
    suspended: whySuspended(control),
    pairs: { matured, left_out: leftOut, waiting: Math.floor(Math.max(0, block) / 2) - matured - leftOut },
    so_far: testSwitchback(pairs, trial.seed),
    next_look: forecast.nextLook && at(forecast.nextLook),
    next_proof: forecast.nextProof && at(forecast.nextProof),
    last_look: at(forecast.lastLook),
    ends_by: rfc3339(forecast.endsByMs),
  };
}

/** Promote gives the trial up at its next step. */
function whySuspended({ kill, stage }: Control): string | null {
  if (kill !== null) return 'the kill switch is pulled';
  return stage === 'auto' ? null : `the stage is ${stage}`;
}

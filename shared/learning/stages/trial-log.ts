/** A trial that runs, as its decisions and their ends are told; in memory. What it keeps of a decision goes with its end. */
import { endsByMs, TOO_LITTLE } from '../switchback/forecast.ts';
import { type TrialDecision, trialRecord } from '../switchback/pairs.ts';
import type { Trial } from '../switchback/schedule.ts';
import { type TrialVerdict, testSwitchback } from '../switchback/test.ts';

export interface TrialLog {
  readonly trial: Trial;
  decided(key: string, decision: TrialDecision): void;
  /** @param reward null: its end says nothing of the offer */
  ended(key: string, reward: number | null): void;
  verdict(nowMs: number, seed: number): Pick<TrialVerdict, 'verdict' | 'reason'>;
}

/** Ends that never come must not fill the memory. */
const MAX_OPEN = 100_000;

export function createTrialLog(trial: Trial): TrialLog {
  const record = trialRecord(trial);
  const open = new Map<string, TrialDecision>();
  return {
    trial,
    decided(key, decision) {
      record.decided(decision);
      open.set(key, decision);
      const oldest = open.keys().next().value;
      if (open.size > MAX_OPEN && oldest !== undefined) open.delete(oldest);
    },
    ended(key, reward) {
      const decision = open.get(key);
      if (decision === undefined) return;
      open.delete(key);
      record.ended(decision, reward);
    },
    verdict(nowMs, seed) {
      const found = testSwitchback(record.pairs(nowMs), seed);
      if (found.verdict !== 'open' || nowMs <= endsByMs(trial)) return found;
      return { verdict: 'unproved', reason: TOO_LITTLE };
    },
  };
}

/**
 * Who acts when, while two policies are compared in turns (a switchback). Time is cut into blocks of equal length, blocks go
 * in pairs, and in each pair both arms act once, in an order drawn from the seed. A function of (trial, instant) alone, so
 * every instance computes the same arm without asking anybody. The first part of each block is wash-out: the market still
 * carries what the other arm bought, so it counts for neither.
 *
 * Blocks and not requests take turns because load couples decisions: what one arm rents, the other finds dearer or gone, and
 * a comparison request by request overstates the uplift (Bojinov, Simchi-Levi and Zhao, Design and Analysis of Switchback
 * Experiments, 2023).
 */

import {
  MS_PER_HOUR,
  SWITCHBACK_BLOCK_DECISIONS,
  SWITCHBACK_MAX_BLOCK_MS,
  SWITCHBACK_MIN_BLOCK_MS,
  SWITCHBACK_WASHOUT_RUNS,
  SWITCHBACK_WASHOUT_SHARE,
} from '#shared/defaults.ts';
import type { Trial } from '#shared/domain/control.ts';
import { sha256Hex } from '#shared/domain/ids.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { seededRandom } from '../random.ts';
import type { RecordedDecision } from '../record/recorded.ts';

export type { Trial } from '#shared/domain/control.ts';

export interface ArmAt {
  readonly arm: string;
  /** From 0; -1 before the start, when the control acts and nothing counts. */
  readonly block: number;
  readonly washout: boolean;
}

export function armOf(trial: Trial, atMs: number): ArmAt {
  const sinceMs = atMs - Date.parse(trial.start);
  if (sinceMs < 0) return { arm: trial.arms[0], block: -1, washout: true };
  const block = Math.floor(sinceMs / trial.block_ms);
  return { arm: armOfBlock(trial, block), block, washout: sinceMs - block * trial.block_ms < trial.washout_ms };
}

/** @param block from 0 */
export function armOfBlock({ seed, arms }: Trial, block: number): string {
  const pair = Math.floor(block / 2);
  const challengerFirst = seededRandom((seed ^ Math.imul(pair + 1, GOLDEN)) >>> 0).next() < 0.5;
  return arms[(block % 2 === 0) === challengerFirst ? 1 : 0];
}

/** 2^32 over the golden ratio, odd: neighbouring pairs get seeds far apart (Knuth, Fibonacci hashing). */
const GOLDEN = 0x9e3779b1;

/** The first instant after a block, epoch milliseconds. */
export const blockEndMs = ({ start, block_ms }: Trial, block: number): number =>
  Date.parse(start) + (block + 1) * block_ms;

export interface TrialPlan {
  readonly control: string;
  readonly challenger: string;
  /** World epoch milliseconds. */
  readonly startMs: number;
  readonly traffic: Traffic;
  /** 0..2^32 - 1 */
  readonly seed: number;
}

export interface Traffic {
  /** Of the requests seen: planned run time. World milliseconds. */
  readonly medianRunMs: number;
  readonly decisionsPerHour: number;
}

/** Newest decisions from which run time and traffic are taken. */
export const TRAFFIC_DECISIONS = 500;

/** @param decisions in the order of their instants */
export function trafficOf(decisions: readonly RecordedDecision[], nowMs: number): Traffic {
  const recent = decisions.slice(-TRAFFIC_DECISIONS);
  const hours = recent.map(({ workload }) => workload.gpu_hours / workload.gpu_count).sort((a, b) => a - b);
  const spanMs = nowMs - (recent[0]?.decidedAtMs ?? nowMs);
  return {
    medianRunMs: (hours[hours.length >> 1] ?? 0) * MS_PER_HOUR,
    decisionsPerHour: spanMs > 0 ? (recent.length * MS_PER_HOUR) / spanMs : 0,
  };
}

/** The order inside the pairs of a trial that starts now: drawn anew for each. */
export const trialSeed = (seed: number, startMs: number): number =>
  Number.parseInt(sha256Hex(`trial ${seed} ${startMs}`).slice(0, 8), 16);

/** By how much the record has to grow before a contender that did not win a trial has another. */
export const RETRY_GROWTH = { worse: 2, unproved: 1.5 } as const;

/** Blocks long enough for the runs to wash out and for traffic to fill them, and no longer: power comes from their number. */
export function planTrial({ control, challenger, startMs, traffic, seed }: TrialPlan): Trial {
  const { medianRunMs, decisionsPerHour } = traffic;
  const wanted = SWITCHBACK_WASHOUT_RUNS * medianRunMs;
  const filled = decisionsPerHour > 0 ? (SWITCHBACK_BLOCK_DECISIONS / decisionsPerHour) * MS_PER_HOUR : Infinity;
  const longest = Math.max(wanted / SWITCHBACK_WASHOUT_SHARE, filled);
  const blockMs = Math.round(Math.min(SWITCHBACK_MAX_BLOCK_MS, Math.max(SWITCHBACK_MIN_BLOCK_MS, longest)));
  return {
    challenger,
    start: rfc3339(startMs),
    block_ms: blockMs,
    washout_ms: Math.round(Math.min(wanted, SWITCHBACK_WASHOUT_SHARE * blockMs)),
    seed,
    arms: [control, challenger],
  };
}

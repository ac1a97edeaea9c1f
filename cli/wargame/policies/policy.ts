import type { Offer } from '#shared/domain/offer.ts';
import type { Workload } from '#shared/domain/request.ts';
import type { Market } from '#sim/market/market.ts';
import type { Lesson } from '../attempt.ts';

export interface Choice {
  /** The attempt's own, under which its lessons come. */
  readonly key: string;
  readonly workload: Workload;
  /** Eligible, at least one, best rule score first. */
  readonly offers: readonly Offer[];
  readonly nowMs: number;
}

/** Who decides in one world. The draw from its distribution is the world's, and common to all policies. */
export interface Policy {
  /** A probability for each offer, in their order; sums to 1. A promise where another process has to be asked. */
  distribution(choice: Choice): readonly number[] | Promise<readonly number[]>;
  /** A run has become ready: at most once, before its end. */
  ready(lesson: Lesson): void;
  /** A run, or an attempt to start one, has ended. */
  final(lesson: Lesson): void;
  /** An attempt ended by its tenant's fault: nothing more is to be learned from it. */
  drop(key: string, atMs: number): void;
}

/** Each policy plays on a market of its own; only the oracle looks into it. */
export type PolicyOf = (market: Market) => Policy;

/** For policies that learn nothing. */
export const HEARS_NOTHING: Pick<Policy, 'ready' | 'final' | 'drop'> = {
  ready: () => undefined,
  final: () => undefined,
  drop: () => undefined,
};

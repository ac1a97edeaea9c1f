/** What the report asks of the results. */
import { type Figures, meanOver, worstOver } from '#cli/wargame/measures/figures.ts';
import type { JobOf } from '../jobs/index.ts';
import type { Judged } from '../jobs/off-policy.ts';
import type { MarketName } from '../plan.ts';
import { type Measured, ofKind } from '../results.ts';

export interface OverWorlds {
  readonly mean: Figures;
  /** Each figure from the world where it is worst. */
  readonly worst: Figures;
  readonly worlds: number;
}

export type Variant = Pick<JobOf<'game'>, 'deviation' | 'slow_feedback' | 'decisions_per_day'>;

const over = (worlds: readonly Figures[]): OverWorlds | null =>
  worlds.length === 0 ? null : { mean: meanOver(worlds), worst: worstOver(worlds), worlds: worlds.length };

/** Null: not played. */
export const gameOver = (
  all: readonly Measured[],
  market: MarketName,
  variant: Variant,
  policy: string,
): OverWorlds | null =>
  over([
    // Rules and oracle play beside every policy: each world counts once.
    ...new Map(
      ofKind(all, 'game')
        .filter(({ job }) => job.market === market && isVariant(job, variant))
        .flatMap(({ job, result }) => {
          const figures = result.figures[policy];
          return figures === undefined ? [] : [[job.seed, figures] as const];
        }),
    ).values(),
  ]);

export const ablationOver = (all: readonly Measured[], market: MarketName, policy: string): OverWorlds | null =>
  over(
    ofKind(all, 'ablation')
      .filter(({ job }) => job.market === market)
      .flatMap(({ result }) => result.figures[policy] ?? []),
  );

export const outagesOver = (all: readonly Measured[], market: MarketName, policy: string): OverWorlds | null =>
  over(
    ofKind(all, 'outage')
      .filter(({ job }) => job.market === market)
      .flatMap(({ result }) => result.figures[policy] ?? []),
  );

const isVariant = (job: JobOf<'game'>, variant: Variant): boolean =>
  job.deviation === variant.deviation &&
  job.slow_feedback === variant.slow_feedback &&
  job.decisions_per_day === variant.decisions_per_day;

/** The gap in a window that the run reached in full; else null. */
export const gapAt = (figures: Figures | undefined, from: number, to: number): number | null =>
  figures?.gap_by_window.find((window) => window.from === from && window.to === to)?.gap ?? null;

export const gapsAt = (found: OverWorlds | null, from: number, to: number) => ({
  mean: gapAt(found?.mean, from, to),
  worst: gapAt(found?.worst, from, to),
});

export interface OffPolicyFigures {
  readonly repetitions: number;
  /** Mean of |estimate - truth| / truth. */
  readonly relative_error: number;
  /** Share of the 95 % intervals that hold the truth. */
  readonly cover: number;
}

/** All worlds of the market together; null: not measured at that size. */
export function offPolicyOver(
  all: readonly Measured[],
  market: MarketName,
  n: number,
  estimator: Judged,
): OffPolicyFigures | null {
  const sizes = ofKind(all, 'off-policy')
    .filter(({ job }) => job.market === market)
    .flatMap(({ result }) => result.sizes.filter((size) => size.n === n && size.repetitions > 0));
  const sum = (of: (size: (typeof sizes)[number]) => number): number => sizes.reduce((total, s) => total + of(s), 0);
  const repetitions = sum((size) => size.repetitions);
  if (repetitions === 0) return null;
  return {
    repetitions,
    relative_error: sum((size) => size.repetitions * size.errors[estimator].relative_error) / repetitions,
    cover: sum((size) => size.errors[estimator].covered) / repetitions,
  };
}

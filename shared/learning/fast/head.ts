/**
 * One head of the fast learner: a Bayesian generalized linear model over the rows of effects.ts. Evidence is of two kinds:
 * closed (normal equations by time, taken at the posterior of their time; they only ever add up) and open (the newest rows as
 * they are, for which the posterior mode is found by Newton's method with step halving). A row is closed when enough newer
 * ones have come: by then the point at which its quadratic touches has been found. Gaussian heads need no open rows.
 */
import { firstVariances, learnVariances, priorOf, type Variances } from './class-variances.ts';
import type { Row } from './effects.ts';
import { FAMILIES, type FamilyName } from './family.ts';
import type { HeadEffects } from './joint.ts';
import { type Cuts, cutsOf, FORGOTTEN_SHARE } from './memory.ts';
import { addRow, copyOf, type NormalEquations } from './normal-equations.ts';
import { meanOf, type Posterior, solve } from './pooled-regression.ts';
import { penaltyAt, quadraticAt } from './quadratic-form.ts';
import {
  addToBucket,
  advanced,
  type BucketedEquations,
  mergeBuckets,
  noBuckets,
  startOf,
  totalOf,
} from './time-buckets.ts';
import type { Words } from './words.ts';

export interface Observed {
  readonly row: Row;
  readonly y: number;
  /** Hours, of a rate; else 1. */
  readonly exposure: number;
  /** What is known of the linear predictor before this head says anything: baseline and drift of that moment. */
  readonly offset: number;
  readonly atMs: number;
}

export interface HeadSpec {
  readonly family: FamilyName;
  /** Standard deviation of an effect before anything was seen, on the scale of the linear predictor. */
  readonly effectSd: number;
  /** Standard deviation of one response around its mean, first guess; gaussian only. */
  readonly noiseSd: number;
}

/** All that a head knows. */
export interface HeadKnowledge {
  readonly closed: BucketedEquations;
  /** Oldest first. */
  readonly open: readonly Observed[];
  readonly variances: Variances;
}

export interface Head {
  add(observed: Observed): void;
  /** The posterior of all that was seen. @param passing rows of this moment only: what is still running */
  fit(nowMs: number, passing?: readonly Observed[]): void;
  /** `fit`, and what the effects of each class may be worth follows the record; old rows are closed. */
  refit(nowMs: number, passing?: readonly Observed[]): void;
  effects(): HeadEffects;
  posterior(): Posterior;
  variances(): Variances;
  knowledge(): HeadKnowledge;
  /** Providers whose older record hardly counts, and since when. */
  cuts(): Cuts;
}

/** Newest rows kept as they are. Their pass takes some 10 ms of a refit. */
const OPEN_ROWS = 4_096;
const NEWTON_STEPS = 6;
const DAY_MS = 24 * 3_600_000;
/**
 * EM moves slowly where little is known; refits are many, so a few steps each arrive. Twenty gave no more over 20,000 decisions of
 * five worlds of each market. To stop at steps of less than 2 % spared a tenth of the time, and cost one world 2.5 points of the
 * gap after 40,000: small steps are no sign of being near.
 */
const VARIANCE_STEPS = 5;
/** Natural units of log-likelihood: a smaller gain changes no decision. */
const ENOUGH = 0.05;

export function createHead(spec: HeadSpec, words: Words, known?: HeadKnowledge): Head {
  const family = FAMILIES[spec.family];
  const gaussian = spec.family === 'gaussian';
  const first = firstVariances(spec.effectSd, gaussian ? spec.noiseSd : null);
  let variances = known?.variances ?? first;
  let statistics = known?.closed ?? noBuckets();
  let open: readonly Observed[] = known?.open ?? [];
  let fresh: Observed[] = [];
  let cuts: Cuts = new Map();
  let checkedDay = Number.NEGATIVE_INFINITY;

  const sizes = { local: (provider: string): number => words.local(provider).size };
  const solved = (equations: NormalEquations): Posterior =>
    solve(equations, variances.noise, priorOf(variances, words), { ...sizes, shared: words.shared.size });
  const shareAt = (provider: string, atMs: number): number =>
    atMs < (cuts.get(provider) ?? Number.NEGATIVE_INFINITY) ? FORGOTTEN_SHARE : 1;
  const remembered = (): NormalEquations =>
    totalOf(statistics, (provider, bucket) => shareAt(provider, startOf(bucket)));
  let posterior = solved(remembered());

  /** The quadratic that touches a row's log-likelihood at the posterior of now. */
  const touching = ({ row, y, exposure, offset }: Observed): { weight: number; response: number } => {
    const { weight, response } = family.working(meanOf(posterior, row) + offset, y, exposure);
    return { weight, response: response - offset };
  };

  /** Newton on the open rows; ends with the evidence as the quadratic at the mode. */
  const mode = (closed: NormalEquations, rows: readonly Observed[]): NormalEquations => {
    const objective = (candidate: Posterior): number => {
      let sum = quadraticAt(closed, candidate) - penaltyAt(candidate, priorOf(variances, words));
      for (const { row, y, exposure, offset, atMs } of rows)
        sum += shareAt(row.provider, atMs) * family.logLikelihood(meanOf(candidate, row) + offset, y, exposure);
      return sum;
    };
    let value = objective(posterior);
    for (let step = 0; ; step++) {
      const equations = copyOf(closed);
      for (const observed of rows) {
        const { weight, response } = touching(observed);
        addRow(equations, observed.row, shareAt(observed.row.provider, observed.atMs) * weight, response);
      }
      const target = solved(equations);
      if (step === NEWTON_STEPS) return equations;
      let moved: Posterior | null = null;
      let gain = 0;
      for (let share = 1; share > 0.01 && moved === null; share /= 2) {
        const tried = share === 1 ? target : between(posterior, target, share);
        gain = objective(tried) - value;
        if (gain >= -1e-9) moved = tried;
      }
      if (moved === null) return equations;
      posterior = moved;
      value += gain;
      if (gain < ENOUGH) return equations;
    }
  };

  /** Answers all evidence as one quadratic, the open rows taken at the mode. */
  const fitted = (nowMs: number, passing: readonly Observed[] = []): NormalEquations => {
    statistics = advanced(statistics, nowMs);
    open = open.concat(fresh);
    fresh = [];
    const closed = remembered();
    if (!gaussian) return mode(closed, open.concat(passing));
    posterior = solved(closed);
    return closed;
  };

  /** Once a day of the world, for a day's bucket is the least that can differ: what still holds of each provider's record. */
  const lookBack = (nowMs: number): void => {
    const day = Math.floor(nowMs / DAY_MS);
    if (day <= checkedDay) return;
    checkedDay = day;
    const recent = noBuckets();
    for (const observed of open) {
      const { weight, response } = touching(observed);
      addToBucket(recent, observed.atMs, observed.row, weight, response);
    }
    cuts = cutsOf(mergeBuckets(statistics, recent), posterior, gaussian ? variances.noise : 1);
  };

  const closeOldest = (): void => {
    if (open.length <= OPEN_ROWS) return;
    const leaving = open.slice(0, open.length - OPEN_ROWS / 2);
    for (const observed of leaving) {
      const { weight, response } = touching(observed);
      addToBucket(statistics, observed.atMs, observed.row, weight, response);
    }
    open = open.slice(leaving.length);
  };

  return {
    add(observed) {
      if (gaussian) addToBucket(statistics, observed.atMs, observed.row, 1, observed.y - observed.offset);
      else fresh.push(observed);
    },
    fit(nowMs, passing) {
      fitted(nowMs, passing);
    },
    refit(nowMs, passing) {
      const equations = fitted(nowMs, passing);
      for (let step = 0; step < VARIANCE_STEPS; step++) {
        variances = learnVariances(variances, first, { posterior, equations, words }, gaussian);
        posterior = solved(equations);
      }
      closeOldest();
      lookBack(nowMs);
    },
    effects: () => ({ posterior, prior: priorOf(variances, words), noise: gaussian ? variances.noise : 0 }),
    posterior: () => posterior,
    variances: () => variances,
    cuts: () => cuts,
    knowledge: () => ({
      closed: statistics,
      open: open.concat(fresh),
      variances,
    }),
  };
}

/** Means between two posteriors; the rest is the target's. */
function between(from: Posterior, to: Posterior, share: number): Posterior {
  const mix = (a: Float64Array | undefined, b: Float64Array): Float64Array =>
    b.map((value, i) => (a?.[i] ?? 0) + share * (value - (a?.[i] ?? 0)));
  const providers = new Map(
    [...to.providers].map(([name, of]) => [name, { ...of, mean: mix(from.providers.get(name)?.mean, of.mean) }]),
  );
  return { ...to, mean: mix(from.mean, to.mean), providers };
}

/**
 * One head of the fast learner: a Bayesian generalized linear model over the rows of effects.ts. Evidence is of two kinds:
 * closed (normal equations, taken at the posterior of their time; they only ever add up) and open (the newest rows as they
 * are, for which the posterior mode is found by Newton's method with step halving). A row is closed when enough newer ones
 * have come: by then the point at which its quadratic touches has been found. Gaussian heads need no open rows.
 * Variances of the classes follow the record by EM (Dempster, Laird and Rubin 1977, section 4.5).
 */
import { LOCAL_CLASSES, type Row, SHARED_CLASSES } from './effects.ts';
import { FAMILIES, type FamilyName } from './family.ts';
import { addRow, copyOf, emptyEquations, type NormalEquations } from './normal-equations.ts';
import { localVariances, meanOf, type Posterior, type Prior, solve, varianceOf } from './pooled-regression.ts';
import type { Vocabulary } from './vocabulary.ts';

export interface Observed {
  readonly row: Row;
  readonly y: number;
  /** Hours, of a rate; else 1. */
  readonly exposure: number;
  /** What is known of the linear predictor before this head says anything: baseline and drift of that moment. */
  readonly offset: number;
}

export interface HeadSpec {
  readonly family: FamilyName;
  /** Standard deviation of an effect before anything was seen, on the scale of the linear predictor. */
  readonly effectSd: number;
  /** Standard deviation of one response around its mean, first guess; gaussian only. */
  readonly noiseSd: number;
}

export interface Head {
  add(observed: Observed): void;
  /** @param passing rows of this moment only: what is still running */
  refit(passing?: readonly Observed[]): void;
  /** Of the linear predictor without its offset. */
  mean(row: Row): number;
  variance(row: Row): number;
  /** Variance of one response around its mean; 0 for families that have none. */
  noise(): number;
  classDeviations(): Readonly<Record<string, number>>;
}

/** Newest rows kept as they are. Their pass takes some 10 ms of a refit. */
const OPEN_ROWS = 4_096;
const NEWTON_STEPS = 6;
/** EM moves slowly where little is known; refits are many, so a few steps each arrive. */
const VARIANCE_STEPS = 5;
/** Natural units of log-likelihood: a smaller gain changes no decision. */
const ENOUGH = 0.05;
/**
 * The class variances' own prior: half an effect at half the first guess. Over four worlds of each market two effects at the
 * whole guess, which hold useless classes open, cost 4 points of the gap at 1,000-2,000 decisions of the first; one at a
 * quarter of it, which closes classes before they could speak, cost 13 at 500-1,000 of the second.
 */
const PRIOR_EFFECTS = 0.5;
const PRIOR_EFFECT_SHARE = 0.25;
/** The first guess of the noise is worth ten rows. */
const PRIOR_ROWS = 10;
/** The intercept is where the head stands at all; it is not shrunk by what other effects are worth. */
const INTERCEPT_SD = 3;

export function createHead(spec: HeadSpec, shared: Vocabulary, localOf: (provider: string) => Vocabulary): Head {
  const family = FAMILIES[spec.family];
  const gaussian = spec.family === 'gaussian';
  const guess = spec.effectSd ** 2;
  const sharedVariances = SHARED_CLASSES.map((name) => (name === 'intercept' ? INTERCEPT_SD ** 2 : guess));
  const localVariancesByClass = LOCAL_CLASSES.map(() => guess);
  let noise = gaussian ? spec.noiseSd ** 2 : 1;
  let closed = emptyEquations();
  let open: Observed[] = [];

  const prior: Prior = {
    sharedVariance: (column) => sharedVariances[shared.classes[column] as number] as number,
    localVariance: (provider, column) => localVariancesByClass[localOf(provider).classes[column] as number] as number,
  };
  const sizes = { shared: 0, local: (provider: string): number => localOf(provider).size };
  const solved = (equations: NormalEquations): Posterior =>
    solve(equations, noise, prior, { ...sizes, shared: shared.size });
  let posterior = solved(closed);

  /** Takes a row in at the posterior of now. */
  const close = (equations: NormalEquations, { row, y, exposure, offset }: Observed): void => {
    const eta = meanOf(posterior, row) + offset;
    const { weight, response } = family.working(eta, y, exposure);
    addRow(equations, row, weight, response - offset);
  };

  const objective = (candidate: Posterior, rows: readonly Observed[]): number => {
    let sum = quadratic(closed, candidate) - penalty(candidate, prior);
    for (const { row, y, exposure, offset } of rows)
      sum += family.logLikelihood(meanOf(candidate, row) + offset, y, exposure);
    return sum;
  };

  /** Newton on the open rows; ends with the evidence as the quadratic at the mode. */
  const mode = (rows: readonly Observed[]): NormalEquations => {
    let value = objective(posterior, rows);
    for (let step = 0; ; step++) {
      const equations = copyOf(closed);
      for (const row of rows) close(equations, row);
      const target = solved(equations);
      if (step === NEWTON_STEPS) return equations;
      let moved: Posterior | null = null;
      let gain = 0;
      for (let share = 1; share > 0.01 && moved === null; share /= 2) {
        const tried = share === 1 ? target : between(posterior, target, share);
        gain = objective(tried, rows) - value;
        if (gain >= -1e-9) moved = tried;
      }
      if (moved === null) return equations;
      posterior = moved;
      value += gain;
      if (gain < ENOUGH) return equations;
    }
  };

  /** One step of expectation maximisation for the class variances and the noise. */
  const learnVariances = (equations: NormalEquations): void => {
    const sums = SHARED_CLASSES.map(() => 0);
    const counts = SHARED_CLASSES.map(() => 0);
    let shrunk = 0;
    let tied = 0;
    let columns = 0;
    let explained = 0;
    const see = (
      into: number[],
      count: number[],
      index: number,
      mean: number,
      variance: number,
      priorVariance: number,
    ): void => {
      into[index] = (into[index] as number) + mean * mean + variance;
      count[index] = (count[index] as number) + 1;
      shrunk += (mean * mean) / priorVariance;
      tied += variance / priorVariance;
      columns += 1;
    };
    const n = posterior.size;
    for (let s = 0; s < n; s++)
      see(
        sums,
        counts,
        shared.classes[s] as number,
        posterior.mean[s] as number,
        posterior.covariance[s * n + s] as number,
        prior.sharedVariance(s),
      );
    const localSums = LOCAL_CLASSES.map(() => 0);
    const localCounts = LOCAL_CLASSES.map(() => 0);
    for (const [provider, of] of posterior.providers) {
      const variances = localVariances(posterior, of);
      const { classes } = localOf(provider);
      for (let i = 0; i < of.size; i++)
        see(
          localSums,
          localCounts,
          classes[i] as number,
          of.mean[i] as number,
          variances[i] as number,
          prior.localVariance(provider, i),
        );
    }
    if (gaussian) {
      explained = projection(equations, posterior);
      const residual = Math.max(0, equations.squares - explained - noise * shrunk) + noise * (columns - tied);
      noise = (residual + PRIOR_ROWS * spec.noiseSd ** 2) / (equations.rows + PRIOR_ROWS);
    }
    const settle = (variances: number[], sum: readonly number[], count: readonly number[], from: number): void => {
      for (let c = from; c < variances.length; c++)
        variances[c] =
          ((sum[c] as number) + PRIOR_EFFECTS * PRIOR_EFFECT_SHARE * guess) / ((count[c] as number) + PRIOR_EFFECTS);
    };
    settle(sharedVariances, sums, counts, 1);
    settle(localVariancesByClass, localSums, localCounts, 0);
  };

  return {
    add(observed) {
      if (gaussian) addRow(closed, observed.row, 1, observed.y - observed.offset);
      else open.push(observed);
    },
    refit(passing = []) {
      const equations = gaussian ? closed : mode([...open, ...passing]);
      if (gaussian) posterior = solved(closed);
      for (let step = 0; step < VARIANCE_STEPS; step++) {
        learnVariances(equations);
        posterior = solved(equations);
      }
      if (open.length > OPEN_ROWS) {
        const kept = copyOf(closed);
        const leaving = open.slice(0, open.length - OPEN_ROWS / 2);
        for (const row of leaving) close(kept, row);
        closed = kept;
        open = open.slice(leaving.length);
      }
    },
    mean: (row) => meanOf(posterior, row),
    variance: (row) => varianceOf(posterior, row, prior),
    noise: () => (gaussian ? noise : 0),
    classDeviations: () =>
      Object.fromEntries(
        [
          ...SHARED_CLASSES.map((name, i) => [name, sharedVariances[i]] as const),
          ...LOCAL_CLASSES.map((name, i) => [name, localVariancesByClass[i]] as const),
        ].map(([name, variance]) => [name, Math.sqrt(variance as number)]),
      ),
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

/** b'm: how much of the squares the means explain, in the units of the squares. */
function projection({ blocks }: NormalEquations, posterior: Posterior): number {
  let sum = 0;
  for (const [provider, { zl, zs }] of blocks) {
    const local = posterior.providers.get(provider)?.mean;
    zs.forEach((z, s) => {
      sum += z * (posterior.mean[s] ?? 0);
    });
    zl.forEach((z, i) => {
      sum += z * (local?.[i] ?? 0);
    });
  }
  return sum;
}

/** b'm - m'Am / 2: the log-likelihood of the closed rows at the means, up to a constant. */
function quadratic(equations: NormalEquations, posterior: Posterior): number {
  let sum = projection(equations, posterior);
  for (const [provider, of] of equations.blocks) {
    const local = posterior.providers.get(provider)?.mean ?? new Float64Array(0);
    const { mean } = posterior;
    for (let s = 0; s < of.shared; s++) {
      const m = mean[s] ?? 0;
      if (m === 0) continue;
      for (let t = 0; t < of.shared; t++) sum -= (m * (of.ss[s * of.shared + t] as number) * (mean[t] ?? 0)) / 2;
      for (let i = 0; i < of.local; i++) sum -= m * (of.sl[s * of.local + i] as number) * (local[i] ?? 0);
    }
    for (let i = 0; i < of.local; i++) {
      const m = local[i] ?? 0;
      if (m === 0) continue;
      for (let j = 0; j < of.local; j++) sum -= (m * (of.ll[i * of.local + j] as number) * (local[j] ?? 0)) / 2;
    }
  }
  return sum;
}

function penalty(posterior: Posterior, prior: Prior): number {
  let sum = 0;
  posterior.mean.forEach((m, s) => {
    sum += (m * m) / (2 * prior.sharedVariance(s));
  });
  for (const [provider, { mean }] of posterior.providers)
    mean.forEach((m, i) => {
      sum += (m * m) / (2 * prior.localVariance(provider, i));
    });
  return sum;
}

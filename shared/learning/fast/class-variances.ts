/** The variances of the classes of effects: what an effect of a class may be worth. Unknown columns have their class's. */
import { LOCAL_CLASSES, SHARED_CLASSES } from './effects.ts';
import type { NormalEquations } from './normal-equations.ts';
import { rowsIn, squaresIn } from './normal-equations.ts';
import { localVariances, type Posterior, type Prior } from './pooled-regression.ts';
import { projectionOf } from './quadratic-form.ts';
import { UNKNOWN } from './vocabulary.ts';
import type { Words } from './words.ts';

export interface Variances {
  /** In the orders of SHARED_CLASSES and LOCAL_CLASSES. */
  readonly shared: readonly number[];
  readonly local: readonly number[];
  /** Of one response around its mean; 1 for families that have none. */
  readonly noise: number;
}

/** The intercept is where the head stands at all; it is not shrunk by what other effects are worth. */
const INTERCEPT_SD = 3;
/**
 * The class variances' own prior: half an effect at half the first guess. Over four worlds of each market two effects at the
 * whole guess, which hold useless classes open, cost 4 points of the gap at 1,000-2,000 decisions of the first; one at a
 * quarter of it, which closes classes before they could speak, cost 13 at 500-1,000 of the second.
 */
const PRIOR_EFFECTS = 0.5;
const PRIOR_EFFECT_SHARE = 0.25;
/** The first guess of the noise is worth ten rows. */
const PRIOR_ROWS = 10;

/** Before anything was seen. @param effectSd on the scale of the linear predictor; @param noiseSd null: the family has none */
export const firstVariances = (effectSd: number, noiseSd: number | null): Variances => ({
  shared: SHARED_CLASSES.map((name) => (name === 'intercept' ? INTERCEPT_SD ** 2 : effectSd ** 2)),
  local: LOCAL_CLASSES.map(() => effectSd ** 2),
  noise: noiseSd === null ? 1 : noiseSd ** 2,
});

export const priorOf = ({ shared, local }: Variances, words: Words): Prior => ({
  sharedVariance: (column) => shared[classOf(column, words.shared.classes)] as number,
  localVariance: (provider, column) => local[classOf(column, words.local(provider).classes)] as number,
});

const classOf = (column: number, classes: readonly number[]): number =>
  column >= UNKNOWN ? column - UNKNOWN : (classes[column] as number);

/**
 * One step of expectation maximisation for the class variances and the noise (Dempster, Laird and Rubin 1977, section 4.5).
 * @param first the variances before anything was seen
 */
export function learnVariances(
  from: Variances,
  first: Variances,
  { posterior, equations, words }: { posterior: Posterior; equations: NormalEquations; words: Words },
  gaussian: boolean,
): Variances {
  const prior = priorOf(from, words);
  const shared = tally(SHARED_CLASSES.length);
  const local = tally(LOCAL_CLASSES.length);
  const n = posterior.size;
  for (let s = 0; s < n; s++)
    shared.see(
      words.shared.classes[s] as number,
      posterior.mean[s] as number,
      posterior.covariance[s * n + s] as number,
      prior.sharedVariance(s),
    );
  for (const [provider, of] of posterior.providers) {
    const variances = localVariances(posterior, of);
    const { classes } = words.local(provider);
    for (let i = 0; i < of.size; i++)
      local.see(classes[i] as number, of.mean[i] as number, variances[i] as number, prior.localVariance(provider, i));
  }
  const noise = (): number => {
    const shrunk = shared.shrunk() + local.shrunk();
    const free = shared.columns() + local.columns() - shared.tied() - local.tied();
    const explained = projectionOf(equations, posterior);
    const residual = Math.max(0, squaresIn(equations) - explained - from.noise * shrunk) + from.noise * free;
    return (residual + PRIOR_ROWS * first.noise) / (rowsIn(equations) + PRIOR_ROWS);
  };
  return {
    // The intercept, first of the shared classes, keeps its own.
    shared: shared.variances(first.shared).map((variance, c) => (c === 0 ? (first.shared[0] as number) : variance)),
    local: local.variances(first.local),
    noise: gaussian ? noise() : from.noise,
  };
}

/** Expected squares of the effects of each class, and what of them the prior holds. */
function tally(classes: number) {
  const sums = new Float64Array(classes);
  const counts = new Float64Array(classes);
  let shrunk = 0;
  let tied = 0;
  let columns = 0;
  return {
    see(index: number, mean: number, variance: number, priorVariance: number): void {
      sums[index] = (sums[index] as number) + mean * mean + variance;
      counts[index] = (counts[index] as number) + 1;
      shrunk += (mean * mean) / priorVariance;
      tied += variance / priorVariance;
      columns += 1;
    },
    shrunk: () => shrunk,
    tied: () => tied,
    columns: () => columns,
    variances: (first: readonly number[]): number[] =>
      first.map(
        (guess, c) =>
          ((sums[c] as number) + PRIOR_EFFECTS * PRIOR_EFFECT_SHARE * guess) / ((counts[c] as number) + PRIOR_EFFECTS),
      ),
  };
}

/** From scores to an explicit distribution, and from a distribution to an action. Pure; the draw comes in as a value. */

/**
 * The best gets 1 - epsilon + epsilon/n, every other epsilon/n. Of equal scores the first is the best; a score that is not a
 * number never is, unless all are.
 * @param epsilon 0..1, the share of uniform exploration.
 */
export function epsilonSoftened(scores: readonly number[], epsilon: number): number[] {
  const uniform = epsilon / scores.length;
  const best = bestIndex(scores);
  return scores.map((_, i) => (i === best ? 1 - epsilon + uniform : uniform));
}

/**
 * The rules act and an apprentice looks on: of the exploration one part is uniform, and the greater one goes where the apprentice
 * would go. What it prefers is then tried often enough to be judged (a weight of at most 1.25 / epsilon, where uniform exploration
 * alone gives n / epsilon), and who pays for the trial gets what the apprentice thinks best.
 * @param apprentice its own distribution over the same candidates
 */
export function exploringForApprentice(
  scores: readonly number[],
  apprentice: readonly number[],
  epsilon: number,
): number[] {
  const lent = APPRENTICE_SHARE * epsilon;
  const others = epsilonSoftened(scores, epsilon - lent);
  const best = bestIndex(scores);
  // All that is not explored is the best one's.
  return others.map((p, i) => p - (i === best ? lent : 0) + (apprentice[i] as number) * lent);
}

/** The rest keeps everything tried, and the estimators honest about what nobody prefers. */
export const APPRENTICE_SHARE = 0.8;

/** Index of the first highest score; -1 when there is none. */
export function bestIndex(scores: readonly number[]): number {
  let best = scores.length === 0 ? -1 : 0;
  for (let i = 1; i < scores.length; i++) {
    const challenger = scores[i] as number;
    const holder = scores[best] as number;
    if (challenger > holder || (Number.isNaN(holder) && !Number.isNaN(challenger))) best = i;
  }
  return best;
}

/**
 * The index drawn: the first whose cumulated probability exceeds `u`. Never one of probability zero, not by rounding either.
 * @param u uniform in [0, 1)
 * @returns -1 when no probability is positive.
 */
export function sampleIndex(probabilities: readonly number[], u: number): number {
  let cumulated = 0;
  let last = -1;
  for (let i = 0; i < probabilities.length; i++) {
    const probability = probabilities[i] as number;
    if (!(probability > 0)) continue;
    cumulated += probability;
    last = i;
    if (u < cumulated) return i;
  }
  return last;
}

/**
 * The distribution given that only the kept remain: zero elsewhere, sum 1. Uniform over the kept when all their probability
 * was zero; all zero when none is kept.
 */
export function renormalise(probabilities: readonly number[], keep: readonly boolean[]): number[] {
  let mass = 0;
  let kept = 0;
  for (let i = 0; i < probabilities.length; i++) {
    if (keep[i] !== true) continue;
    mass += probabilities[i] as number;
    kept++;
  }
  return probabilities.map((probability, i) => {
    if (keep[i] !== true) return 0;
    return mass > 0 ? probability / mass : 1 / kept;
  });
}

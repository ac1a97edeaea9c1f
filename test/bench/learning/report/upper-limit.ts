/**
 * The exact upper limit of a share (Clopper and Pearson 1934): the largest chance at which `count` or fewer of so many tries would
 * still happen with probability `alpha`. Of none it is 1 - alpha^(1 / tries), three in so many tries.
 */
export function upperLimit(count: number, tries: number, alpha = 0.05): number {
  if (count >= tries) return 1;
  let [low, high] = [count / tries, 1];
  for (let step = 0; step < BISECTIONS; step++) {
    const chance = (low + high) / 2;
    if (atMost(count, tries, chance) > alpha) low = chance;
    else high = chance;
  }
  return high;
}

/** To 2^-40. */
const BISECTIONS = 40;

/** P(X <= count) of a binomial; by logarithms, for the chance of none may be no number. */
function atMost(count: number, tries: number, chance: number): number {
  let logWays = 0;
  let sum = 0;
  for (let x = 0; x <= count; x++) {
    if (x > 0) logWays += Math.log((tries - x + 1) / x);
    sum += Math.exp(logWays + x * Math.log(chance) + (tries - x) * Math.log1p(-chance));
  }
  return sum;
}

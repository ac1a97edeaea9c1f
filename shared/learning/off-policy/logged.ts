/** One logged decision, as off-policy evaluation sees it. */
export interface Logged {
  readonly reward: number;
  /** Probability with which the logging policy took the logged action; in (0, 1]. */
  readonly propensity: number;
  /** Probability with which the target policy takes it; in [0, 1]. */
  readonly targetProbability: number;
  /** A model's value of the logged action; null: none. */
  readonly qLogged: number | null;
  /** The model's expected value under the target policy; null: none. */
  readonly vTarget: number | null;
}

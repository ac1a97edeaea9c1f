/**
 * Whether a provider has silently become worse (or better) than its record, and by how much. A hidden Markov model with a
 * grid of shifts of the linear predictor as its states (forward algorithm, Rabiner 1989): state 0 is "as ever"; with each
 * outcome the provider may, rarely, jump anywhere. Unlike forgetting it costs nothing while nothing changes, it moves a
 * whole provider within a handful of outcomes, and when the trouble is over the record is still there to go back to.
 */
export interface DriftSpec {
  /** Of an outcome, up to a constant. @param scale exposure in hours of a rate; variance of one response of a number */
  readonly logLikelihood: (eta: number, y: number, scale: number) => number;
  /** Possible shifts of the linear predictor beside 0. */
  readonly shifts: readonly number[];
}

export interface Drift {
  /** Learns from one outcome. @param eta the linear predictor that the record expects */
  observe(eta: number, y: number, scale: number, atMs: number): void;
  /** Expected shift now and its variance, 0 unless a shift is more likely than not; and P(shift is not 0). */
  at(nowMs: number): { readonly mean: number; readonly variance: number; readonly shifted: number };
  state(): DriftState;
}

export interface DriftState {
  /** P(each state), "as ever" first. */
  readonly belief: readonly number[];
  /** Of the last outcome, world epoch milliseconds. */
  readonly since_ms: number | null;
  /** Outcomes ever. */
  readonly seen: number;
}

/** A provider changes once in so many of its outcomes: rarer than chance runs of failures, common enough to be believed within ten. */
const JUMP_PER_OUTCOME = 1 / 1_000;
/** Without outcomes the belief fades towards what is usual of providers: half of it within a day. */
const FADE_HALF_LIFE_MS = 24 * 3_600_000;
/** Share of the time that a provider is as ever, as far as nothing is known. */
const USUAL = 0.99;
/**
 * A shift counts from here on. A belief of one in a hundred, always there, would pull every estimate down and widen it: over
 * four worlds of each market that cost 2 points of the gap.
 */
const BELIEVED = 0.5;

/** @param known of the same shifts; a state of others is nobody's */
export function createDrift({ logLikelihood, shifts }: DriftSpec, known: DriftState | null = null): Drift {
  const states = [0, ...shifts];
  const usual = states.map((_, i) => (i === 0 ? USUAL : (1 - USUAL) / shifts.length));
  const mine = known !== null && known.belief.length === states.length;
  let belief: readonly number[] = mine ? known.belief : states.map((_, i) => (i === 0 ? 1 : 0));
  let sinceMs: number | null = mine ? known.since_ms : null;
  let seen = mine ? known.seen : 0;

  /** How much of the belief is left for want of news. */
  const keptAt = (nowMs: number): number =>
    sinceMs === null || nowMs <= sinceMs ? 1 : 0.5 ** ((nowMs - sinceMs) / FADE_HALF_LIFE_MS);
  const faded = (nowMs: number): readonly number[] => {
    const kept = keptAt(nowMs);
    return kept === 1 ? belief : belief.map((p, i) => kept * p + (1 - kept) * (usual[i] as number));
  };

  return {
    observe(eta, y, scale, atMs) {
      const before = faded(atMs).map((p, i) => (1 - JUMP_PER_OUTCOME) * p + JUMP_PER_OUTCOME * (usual[i] as number));
      const logs = states.map((shift) => logLikelihood(eta + shift, y, scale));
      const most = Math.max(...logs);
      const after = before.map((p, i) => p * Math.exp((logs[i] as number) - most));
      const sum = after.reduce((a, b) => a + b, 0);
      belief = after.map((p) => p / sum);
      sinceMs = Math.max(atMs, sinceMs ?? atMs);
      seen += 1;
    },
    at(nowMs) {
      const kept = keptAt(nowMs);
      const shifted = 1 - (kept * (belief[0] as number) + (1 - kept) * USUAL);
      if (shifted < BELIEVED) return { mean: 0, variance: 0, shifted };
      const now = faded(nowMs);
      const mean = now.reduce((sum, p, i) => sum + p * (states[i] as number), 0);
      const variance = now.reduce((sum, p, i) => sum + p * ((states[i] as number) - mean) ** 2, 0);
      return { mean, variance, shifted };
    },
    state: () => ({ belief, since_ms: sinceMs, seen }),
  };
}

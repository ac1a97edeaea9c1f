/**
 * What a head's linear predictor says about its observations (McCullagh and Nelder, Generalized Linear Models, 1989):
 * gaussian: y is normal around eta; bernoulli: y is 1 with probability 1 / (1 + e^-eta); poisson: y events within an
 * exposure have the expectation exposure * e^eta.
 */
export type FamilyName = 'gaussian' | 'bernoulli' | 'poisson';

export interface Family {
  /** Of one observation, up to a constant. */
  logLikelihood(eta: number, y: number, exposure: number): number;
  /** The quadratic that touches the log-likelihood at eta: its curvature, and the response whose residual is the slope. */
  working(eta: number, y: number, exposure: number): { readonly weight: number; readonly response: number };
}

/** A row whose outcome was certain says next to nothing; never exactly nothing, or its response would be infinite. */
const MIN_WEIGHT = 1e-3;
/** e^8 events an hour: beyond it only that it is absurd matters. */
const LOG_RATE_LIMIT = 8;

const rate = (eta: number): number => Math.exp(Math.max(-2 * LOG_RATE_LIMIT, Math.min(LOG_RATE_LIMIT, eta)));

export const FAMILIES: Readonly<Record<FamilyName, Family>> = {
  gaussian: {
    logLikelihood: (eta, y) => -((y - eta) ** 2) / 2,
    working: (_eta, y) => ({ weight: 1, response: y }),
  },
  bernoulli: {
    logLikelihood: (eta, y) => y * eta - (eta > 30 ? eta : Math.log1p(Math.exp(eta))),
    working(eta, y) {
      const p = 1 / (1 + Math.exp(-eta));
      const weight = Math.max(MIN_WEIGHT, p * (1 - p));
      return { weight, response: eta + (y - p) / weight };
    },
  },
  poisson: {
    logLikelihood: (eta, y, exposure) => y * eta - exposure * rate(eta),
    working(eta, y, exposure) {
      const expected = exposure * rate(eta);
      const weight = Math.max(MIN_WEIGHT / 10, expected);
      return { weight, response: eta + (y - expected) / weight };
    },
  },
};

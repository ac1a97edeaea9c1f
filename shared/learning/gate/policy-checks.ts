/** Checks of the challenger as a policy, by off-policy evaluation, and of the record that it stands on. */
import { DRIFT_LIMIT, GATE_MIN_ESS, GATE_MIN_SUPPORT, GATE_WEIGHT_LIMIT } from '#shared/defaults.ts';
import type { DriftReport } from '../evaluate/drift.ts';
import type { Opponent, PolicyEvidence } from '../evaluate/policy-evidence.ts';
import type { Limits } from '../off-policy/uplift.ts';
import { type Check, digits, finiteOrNull } from './check.ts';

export const sampleSize = ({ rows, over }: PolicyEvidence): Check => {
  const ess = over.rules?.ess ?? 0;
  return {
    kind: 'data',
    name: 'effective_sample_size',
    passed: ess >= GATE_MIN_ESS,
    value: finiteOrNull(ess),
    limit: GATE_MIN_ESS,
    note: `off-policy: ${rows} decisions tell as much of the challenger as ${Math.floor(ess)} of its own, at least ${GATE_MIN_ESS} are needed`,
  };
};

export const supported = ({ support }: PolicyEvidence): Check => ({
  kind: 'data',
  name: 'support',
  passed: support === null ? null : support >= GATE_MIN_SUPPORT,
  value: support,
  limit: GATE_MIN_SUPPORT,
  note: `off-policy: ${digits(support)} of what the challenger would do was tried once in ${GATE_WEIGHT_LIMIT} times, at least ${GATE_MIN_SUPPORT} is needed`,
});

export const steady = ({ feature, index, before, after }: DriftReport): Check => ({
  kind: 'data',
  name: 'drift',
  passed: index === null || index <= DRIFT_LIMIT,
  value: index,
  limit: DRIFT_LIMIT,
  note:
    index === null
      ? `drift: ${before} decisions before and ${after} in the holdout are too few to tell`
      : `drift: ${feature} moved most between training and holdout, stability index ${digits(index)} over chance, at most ${DRIFT_LIMIT} is allowed`,
});

/** Worse or better by the doubly robust estimate, when its one-sided limit says so; SNIPS stands beside it. */
export function uplift(opponent: Opponent, named: string, { over, alpha }: PolicyEvidence): Check {
  const found = over[opponent];
  const estimate = (limits: Limits | null): string =>
    limits === null ? 'unknown' : `${digits(limits.mean)} (${digits(limits.low)} to ${digits(limits.high)})`;
  const note =
    found === null
      ? `off-policy: nothing to compare with ${named}`
      : `off-policy: uplift over ${named} ${estimate(found.dr)} doubly robust, ${estimate(found.snips)} SNIPS, one-sided ${Math.round(100 * (1 - alpha))} % limits (needed: above 0)`;
  return {
    kind: 'proof',
    name: `uplift_over_${opponent}`,
    passed: found === null ? null : found.dr.low > 0 ? true : found.dr.high < 0 ? false : null,
    value: finiteOrNull(found?.dr.low),
    limit: 0,
    note,
  };
}

/** A kind of work on which the challenger is clearly worse: its mean over the others must not hide it. */
export const segment = ({ name, uplift: found }: PolicyEvidence['segments'][number]): Check => ({
  kind: 'fitness',
  name: `segment_${name}`.slice(0, 128),
  passed: found.dr.high >= 0,
  value: finiteOrNull(found.dr.high),
  limit: 0,
  note: `segment ${name}: uplift ${digits(found.dr.mean)} over ${found.rows} decisions, at best ${digits(found.dr.high)} (needed: not wholly below 0)`.slice(
    0,
    1024,
  ),
});

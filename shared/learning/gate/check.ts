import type { Verdict } from '#shared/registry/verdict.ts';

/**
 * What a check that failed means:
 *   soundness  the model is broken: reject
 *   data       the holdout cannot carry a judgement: not enough evidence
 *   proof      the model is shown to be worse: reject (null: nothing is shown either way)
 *   fitness    not good enough yet, which more data may mend: not enough evidence
 */
export type CheckKind = 'soundness' | 'data' | 'proof' | 'fitness';
export type Check = Verdict['checks'][number] & { readonly kind: CheckKind };

/** A number that is not finite is not JSON. */
export const finiteOrNull = (value: number | null | undefined): number | null =>
  value !== null && value !== undefined && Number.isFinite(value) ? value : null;

export const digits = (value: number | null): string => (value === null ? 'unknown' : value.toFixed(3));

/** What a run comes to. Pure. */
import { z } from 'zod';
import type { CheckResult } from '#shared/domain/probe.ts';

/** passed; degraded: a warning, or something that could not be looked at; failed: something critical; could_not_run: nothing could be looked at. */
export const runVerdict = z.enum(['passed', 'degraded', 'failed', 'could_not_run']);
export type RunVerdict = z.infer<typeof runVerdict>;

/** What is in maintenance counts for nothing. */
export function verdictOf(results: readonly CheckResult[]): RunVerdict {
  const counting = results.filter(({ maintenance }) => maintenance === null);
  const has = (holds: (result: CheckResult) => boolean): boolean => counting.some(holds);
  if (counting.length > 0 && !has(({ status }) => status === 'pass' || status === 'fail')) return 'could_not_run';
  if (has(({ status, severity }) => status === 'fail' && severity === 'critical')) return 'failed';
  return has(({ status }) => status === 'fail' || status === 'error') ? 'degraded' : 'passed';
}

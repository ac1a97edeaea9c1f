import { MATURITY_GRACE_MS, MS_PER_HOUR, READY_LIMIT_DEFAULT_MS } from '#shared/defaults.ts';
import type { Example } from './example.ts';

/**
 * The attempts that could all be known by `asOfMs`: decided long enough ago that even a run that went the whole way has
 * ended and been reported. Failures are known in minutes, successes after the run; taking whatever is known would show
 * mostly failures of the last hours. The condition looks at the plan of the run only, never at what became of it, so
 * nothing is selected by its outcome.
 */
export function matured(examples: readonly Example[], asOfMs: number): readonly Example[] {
  return examples.filter(
    (example) =>
      example.decided_at + example.run_hours * MS_PER_HOUR + READY_LIMIT_DEFAULT_MS + MATURITY_GRACE_MS <= asOfMs,
  );
}

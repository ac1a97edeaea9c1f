/** Which checks of a suite are looked at. Pure. */
import { RejectedError } from '#shared/errors.ts';
import type { PlannedCheck, Suite } from '#shared/probes/suite.ts';

/** Null: all. @throws RejectedError usage: one that it does not have */
export function chosen({ id, checks }: Suite, only: readonly string[] | null): ReadonlySet<string> | null {
  if (only === null) return null;
  const unknown = only.find((one) => !checks.some((check) => check.id === one));
  if (unknown !== undefined)
    throw new RejectedError(
      'usage',
      `--only: suite ${id} has no check ${JSON.stringify(unknown)}; it has ${checks.map((check) => check.id).join(', ')}`,
    );
  if (only.length === 0) throw new RejectedError('usage', '--only takes the ids of checks, parted by commas');
  return new Set(only);
}

export interface LeftOut {
  readonly categories: readonly string[];
  /** Whatever looks at a cluster's API. */
  readonly cluster: boolean;
}

/** What needs one that is left out is left out with it. @throws RejectedError usage: a category that it does not have, or nothing is left */
export function without(suite: Suite, { categories, cluster }: LeftOut): Suite {
  const known = [...new Set(suite.checks.map(({ category }) => category))];
  const unknown = categories.find((category) => !known.includes(category));
  if (unknown !== undefined)
    throw new RejectedError(
      'usage',
      `--skip: suite ${suite.id} has no category ${JSON.stringify(unknown)}; it has ${known.join(', ')}`,
    );
  const kept = new Set<string>();
  // Each stands behind those it needs.
  const checks = suite.checks.filter(({ id, category, on, needs }: PlannedCheck) => {
    if (categories.includes(category) || (cluster && on === 'kubernetes')) return false;
    if (!needs.every((need) => kept.has(need))) return false;
    kept.add(id);
    return true;
  });
  if (checks.length === 0)
    throw new RejectedError('usage', `what is to be left out is all that suite ${suite.id} has: ${known.join(', ')}`);
  return { ...suite, checks };
}

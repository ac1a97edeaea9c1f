import { LINEAR } from '#shared/learning/fast/learned-objects.ts';

export const ROLES = ['linear', 'champion', 'apprentice'] as const;
export type Role = (typeof ROLES)[number];

/** The learners to keep, and as what: the one on its own always, a version while an alias names it. A version of two roles has the first. */
export function learnersToKeep(
  named: Readonly<Record<Exclude<Role, 'linear'>, string | null>>,
): ReadonlyMap<string, Role> {
  const kept = new Map<string, Role>([[LINEAR, 'linear']]);
  for (const role of ['champion', 'apprentice'] as const) {
    const version = named[role];
    if (version !== null && !kept.has(version)) kept.set(version, role);
  }
  return kept;
}

const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 10 * 60_000;

/** Host milliseconds until a learner that could not be had is tried again: a store comes back soon or late, a broken network never. */
export const retryPauseMs = (failures: number): number =>
  Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));

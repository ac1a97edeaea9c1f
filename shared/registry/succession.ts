import type { AliasEntry } from './alias-log.ts';

/**
 * Who stands behind the version that an alias names. An alias is read as a stack: a new version goes on top; naming one that
 * was left before is a return to it, and what came after it no longer counts. At the bottom lies null: no model.
 */

/** The versions under the present one, latest first, at the end null. A null entry could not be read: what it named is unknown. */
export function versionsBefore(entries: readonly (AliasEntry | null)[]): readonly (string | null)[] {
  const stack: (string | null | undefined)[] = [null];
  const name = (version: string | null | undefined): void => {
    const known = version === undefined ? -1 : stack.indexOf(version);
    if (known === -1) stack.push(version);
    else stack.length = known + 1;
  };
  for (const [i, entry] of entries.entries()) {
    // What an unreadable entry, or the last one before these, named is told by the one after it.
    if (i === 0 && entry !== null && entry.previous_version !== null) name(entry.previous_version);
    name(entry === null ? entries[i + 1]?.previous_version : entry.version);
  }
  return stack
    .slice(0, -1)
    .filter((version) => version !== undefined)
    .reverse();
}

/** Begins the reason of a move away from a version that does not load. */
const DAMAGE = 'artefact_damaged';

export const damageReason = (why: string): string => `${DAMAGE}: ${why}`;

export const isDamageMove = ({ reason }: AliasEntry): boolean => reason.startsWith(`${DAMAGE}:`);

/** True when the alias was once moved away from this version because it did not load. */
export const wasDamaged = (moves: readonly AliasEntry[], version: string): boolean =>
  moves.some((move) => isDamageMove(move) && move.previous_version === version);

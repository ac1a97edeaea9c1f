import { rfc3339 } from '#shared/domain/primitives.ts';
import { AuroraError, RejectedError } from '#shared/errors.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { Objects } from '#shared/ports/objects.ts';
import { type Alias, type AliasEntry, createAliasLog } from './alias-log.ts';
import { createVersions, type Versions } from './versions.ts';

export type { Alias, AliasEntry } from './alias-log.ts';
export type { Artefact } from './versions.ts';

/**
 * Model versions and the aliases that say which of them serve. Promise: a version never changes once it is whole; an alias
 * names a whole version or none; every move of an alias is on record with its reason.
 */
export interface Registry extends Versions {
  /** The latest move; null when there was none. A head with version null means: no model, the rules act. */
  aliasHead(alias: Alias): Promise<AliasEntry | null>;
  /** Every move, oldest first. */
  aliasHistory(alias: Alias): Promise<readonly AliasEntry[]>;
  /**
   * Points the alias at a version (null: at none) and answers the entry. Naming the version it names already changes nothing
   * and answers the head, so a redelivered promotion leaves no second entry.
   * @throws RejectedError version_unknown (not whole), reason_required, state_conflict (the head is not `ifSequence`)
   * @throws TransientError objects_unavailable
   */
  moveAlias(alias: Alias, move: AliasMove): Promise<AliasEntry>;
  /**
   * Moves the alias to the version before, passing over versions that are not whole any more; to none when there is no other.
   * Going back twice goes back two versions, not to and fro.
   * @throws RejectedError version_unknown (nothing to go back from), reason_required
   */
  rollback(alias: Alias, move: RollbackMove): Promise<AliasEntry>;
}

export interface RollbackMove {
  readonly by: string;
  readonly reason: string;
}

export interface AliasMove extends RollbackMove {
  readonly version: string | null;
  /** What the gate had said of it; null when it was not asked. */
  readonly verdict: AliasEntry['verdict'];
  readonly forced: boolean;
  /** Move only if this is still the head's sequence (0: never moved). */
  readonly ifSequence?: number;
}

export interface RegistryDeps {
  readonly objects: Objects;
  readonly worldClock: WorldClock;
}

export function createRegistry({ objects, worldClock }: RegistryDeps): Registry {
  const versions = createVersions(objects);
  const log = createAliasLog(objects);

  const isWhole = async (version: string): Promise<boolean> => {
    try {
      await versions.readManifest(version);
      return true;
    } catch (error) {
      if (error instanceof AuroraError && !error.retryable) return false;
      throw error;
    }
  };

  const moveAlias = async (alias: Alias, move: AliasMove): Promise<AliasEntry> => {
    if (move.reason.trim() === '') throw new RejectedError('reason_required', `moving ${alias} needs a reason`);
    if (move.version !== null && !(await isWhole(move.version)))
      throw new RejectedError('version_unknown', `${alias}: version ${JSON.stringify(move.version)} is not whole`);
    const { version, by, verdict, forced, ifSequence } = move;
    const reason = move.reason.trim().slice(0, REASON_LIMIT);
    const entry = await log.append(alias, (head) => {
      if (ifSequence !== undefined && ifSequence !== (head?.sequence ?? 0))
        throw new RejectedError('state_conflict', `${alias}: expected head ${ifSequence}, got ${head?.sequence ?? 0}`);
      if (head !== null && head.version === version) return null;
      return { version, at: rfc3339(worldClock.now()), by, reason, verdict, forced };
    });
    if (entry === null) throw new RejectedError('version_unknown', `${alias} was never moved`);
    return entry;
  };

  return {
    ...versions,
    aliasHead: log.head,
    aliasHistory: log.history,
    moveAlias,
    async rollback(alias, { by, reason }) {
      const history = await log.history(alias);
      const head = history.at(-1);
      const earlier = versionsBefore(history);
      if (head === undefined || earlier.length === 0)
        throw new RejectedError('version_unknown', `${alias} has no version before its present one`);
      for (const version of earlier) {
        if (version !== null && !(await isWhole(version))) continue;
        return moveAlias(alias, { version, by, reason, verdict: null, forced: true, ifSequence: head.sequence });
      }
      throw new RejectedError('version_unknown', `${alias} has no whole version before its present one`);
    },
  };
}

const REASON_LIMIT = 1024;

/**
 * The versions under the present one, latest first, at the end null (no model). Naming a version that was left before is a
 * return to it: what came after it no longer counts.
 */
function versionsBefore(history: readonly AliasEntry[]): readonly (string | null)[] {
  const stack: (string | null)[] = [null];
  for (const { version } of history) {
    const known = stack.indexOf(version);
    if (known === -1) stack.push(version);
    else stack.length = known + 1;
  }
  return stack.slice(0, -1).reverse();
}

import { LINEAR } from '#shared/domain/actor.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { AuroraError, RejectedError } from '#shared/errors.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { Objects } from '#shared/ports/objects.ts';
import { type Alias, type AliasEntry, createAliasLog } from './alias-log.ts';
import { announceMoves } from './announcements.ts';
import { versionsBefore } from './succession.ts';
import { createVersions, type Versions } from './versions.ts';

export type { Alias, AliasEntry } from './alias-log.ts';
export type { Artefact, WholeVersion } from './versions.ts';

/**
 * Model versions and the aliases that say which of them serve. Promise: a version never changes once it is whole; an alias
 * names a whole version, the learner on its own (`linear`, which has no artefact and so is always whole), or none; every move of
 * an alias is on record with its reason.
 */
export interface Registry extends Versions {
  /** The latest move; null when there was none. A head with version null means: no model, the rules act. */
  aliasHead(alias: Alias): Promise<AliasEntry | null>;
  /** Every move that can be read, oldest first. */
  aliasHistory(alias: Alias): Promise<readonly AliasEntry[]>;
  /** Its latest moves, oldest first, without those that cannot be read. */
  recentMoves(alias: Alias): Promise<readonly AliasEntry[]>;
  /** The versions under the present one, latest first, at the end null (no model). */
  versionsBefore(alias: Alias): Promise<readonly (string | null)[]>;
  /**
   * Hands every move that was not announced yet to `publish`, oldest first; answers how many. At least once: a crash after
   * `publish` hands them over again.
   */
  announceMoves(alias: Alias, publish: (moves: readonly AliasEntry[]) => Promise<void>): Promise<number>;
  /**
   * Points the alias at a version (null: at none) and answers the entry. Naming the version it names already changes nothing
   * and answers the head, so a redelivered promotion leaves no second entry.
   * @throws RejectedError version_unknown (not whole), reason_required, state_conflict (the head is not `ifSequence`)
   * @throws TransientError objects_unavailable
   */
  moveAlias(alias: Alias, move: AliasMove): Promise<AliasEntry>;
  /**
   * Moves the alias to the version before, passing over versions that are not whole any more or cannot serve; to none when
   * there is no other. Going back twice goes back two versions, not to and fro.
   * @throws RejectedError version_unknown (nothing to go back from), reason_required, state_conflict (as `moveAlias`)
   */
  rollback(alias: Alias, move: RollbackMove): Promise<AliasEntry>;
  /**
   * For an alias whose latest entry cannot be read: says again what the copy of that entry says, or, when that is lost too, that
   * there is no model. Null: it was moved meanwhile, or never.
   */
  restate(alias: Alias, move: { readonly by: string; readonly reason: string }): Promise<AliasEntry | null>;
}

interface Move {
  readonly by: string;
  readonly reason: string;
  /** Move only if this is still the head's sequence (0: never moved). */
  readonly ifSequence?: number;
}

export interface RollbackMove extends Move {
  /** Whether a whole version could serve. */
  readonly serves: (version: string) => Promise<boolean>;
  /** What goes on record of the version that is returned to; without it, that nobody asked. */
  readonly weigh?: (version: string) => Promise<Pick<AliasMove, 'verdict' | 'forced'>>;
}

export interface AliasMove extends Move {
  readonly version: string | null;
  /** What the gate had said of it; null when it was not asked. */
  readonly verdict: AliasEntry['verdict'];
  readonly forced: boolean;
}

export interface RegistryDeps {
  readonly objects: Objects;
  readonly worldClock: WorldClock;
}

export function createRegistry({ objects, worldClock }: RegistryDeps): Registry {
  const versions = createVersions(objects);
  const log = createAliasLog(objects);

  const isWhole = async (version: string): Promise<boolean> => {
    if (version === LINEAR) return true;
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
    const reason = shortened(move.reason);
    const entry = await log.append(alias, (head, sequence) => {
      if (ifSequence !== undefined && ifSequence !== sequence)
        throw new RejectedError('state_conflict', `${alias}: expected head ${ifSequence}, got ${sequence}`);
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
    recentMoves: async (alias) => (await log.recent(alias)).entries.filter((entry) => entry !== null),
    versionsBefore: async (alias) => versionsBefore((await log.recent(alias)).entries),
    announceMoves: (alias, publish) => announceMoves({ objects, log }, alias, publish),
    moveAlias,
    async rollback(alias, { by, reason, serves, weigh, ifSequence }) {
      const { sequence, entries } = await log.recent(alias);
      for (const version of versionsBefore(entries)) {
        if (version !== null && !((await isWhole(version)) && (await serves(version)))) continue;
        const weighed = version === null ? undefined : await weigh?.(version);
        const { verdict, forced } = weighed ?? { verdict: null, forced: false };
        return moveAlias(alias, { version, by, reason, verdict, forced, ifSequence: ifSequence ?? sequence });
      }
      throw new RejectedError('version_unknown', `${alias} has no version before its present one`);
    },
    async restate(alias, { by, reason }) {
      const { sequence, entries } = await log.recent(alias);
      const copied = entries.at(-1)?.version ?? null;
      const version = copied !== null && (await isWhole(copied)) ? copied : null;
      return log.append(alias, (_, last) =>
        last === sequence
          ? { version, at: rfc3339(worldClock.now()), by, reason: shortened(reason), verdict: null, forced: false }
          : null,
      );
    },
  };
}

/** What serving needs of the registry. */
export type RegistryReader = Pick<Registry, 'aliasHead' | 'versionsBefore' | 'loadArtefact'>;

/** Writes nothing, not even a repair. */
export function createRegistryReader(objects: Objects): RegistryReader {
  const log = createAliasLog(objects, { repairs: false });
  return {
    aliasHead: log.head,
    versionsBefore: async (alias) => versionsBefore((await log.recent(alias)).entries),
    loadArtefact: createVersions(objects).loadArtefact,
  };
}

const REASON_LIMIT = 1024;
const shortened = (reason: string): string => reason.trim().slice(0, REASON_LIMIT);

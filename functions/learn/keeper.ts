/**
 * Keeps the statistics of one learner: reads them, takes events in, writes them. Promise: what `learn` was given is in the object
 * when it resolves, once.
 * States: away (nothing in memory that counts) -> kept (in memory as in the object) -> kept (written) | away (a write failed, or
 * another instance wrote: what is in memory may be more than the object holds, so it is read again). `rebuild` goes from away to
 * kept by way of the record; until its first write a kill begins it anew.
 * The generation precondition makes one writer of several instances: the loser reads what the winner wrote, and what the winner
 * had too is a duplicate then.
 */
import { rfc3339 } from '#shared/domain/primitives.ts';
import { AuroraError, RejectedError, TransientError } from '#shared/errors.ts';
import {
  posteriorBytes,
  posteriorHeader,
  posteriorObject,
  statisticsObject,
} from '#shared/learning/fast/learned-objects.ts';
import type { HostClock, WorldClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import type { Objects, StoredObject } from '#shared/ports/objects.ts';
import type { LessonRow } from '#shared/queries/learning.ts';
import type { ModelFiles } from './study/baselines.ts';
import type { Entry } from './study/entry.ts';
import type { Counts, Snapshot, Standing } from './study/ledger.ts';
import type { Study } from './study/protocol.ts';

export interface KeeperDeps {
  readonly study: Study;
  readonly objects: Objects;
  readonly worldClock: WorldClock;
  readonly hostClock: HostClock;
  readonly log: Log;
  onConflict(): void;
  onRefit(ms: number): void;
}

export interface Keeper {
  readonly name: string;
  /**
   * Reads what is there. False: no statistics, or none of use (damaged, of another build): they are to be built anew.
   * @throws RejectedError artefact_corrupt, artefact_incompatible when the version's network cannot be used
   * @throws TransientError objects_unavailable
   */
  load(): Promise<boolean>;
  /** @throws TransientError; then nothing is sure but what the object holds */
  learn(entries: readonly Entry[]): Promise<Counts>;
  /** The record goes in after what was loaded: `beginRecord`, `readRecord` in its order, `endRecord`, which writes. What is to be learnt meanwhile waits in line, and is in what `endRecord` writes. */
  beginRecord(): Promise<void>;
  readRecord(rows: readonly LessonRow[]): Promise<Counts>;
  /** @throws TransientError; then it is to be loaded and read again */
  endRecord(): Promise<void>;
  /** Whether a posterior could not be written, or has grown old. */
  untidy(): boolean;
  /** Writes it if it is due. */
  tidy(): Promise<void>;
  view(): KeeperView;
  /** What was written is gone or of no use: only the record can tell it again. */
  lost(): boolean;
}

export interface KeeperView extends Standing {
  readonly generation: string | null;
  /** World epoch milliseconds of the last write, its own or found. */
  readonly writtenAtMs: number | null;
}

/** Another instance can win only as often as it has events; this often in a row it is no coincidence. */
const CONFLICT_LIMIT = 5;
/** Host milliseconds until what was learned shows although little is new: drifts and runs under way change by the hour of the world. */
const POSTERIOR_AGE_LIMIT_MS = 10_000;

/** In the metadata, which holds some kilobytes. */
const MAX_DRIFTING = 16;

export function createKeeper(name: string, model: ModelFiles | null, deps: KeeperDeps): Keeper {
  const { study, objects, worldClock, hostClock, log } = deps;
  let kept = false;
  let reading = false;
  /** Of the statistics in the store; "0": there are none. */
  let generation = '0';
  let posteriorGeneration = '0';
  /** Null: the posterior in the store is as good as can be. */
  let posteriorDueMs: number | null = null;
  let standing: Standing = { observations: 0, newestMs: null, drifting: [] };
  let writtenAtMs: number | null = null;
  let lost = false;

  const writePosterior = async (text: Uint8Array): Promise<void> => {
    const head = {
      format: 'aurora-served-posterior/1',
      name,
      statistics_generation: generation,
      written_at: rfc3339(worldClock.now()),
    } as const;
    try {
      const written = await objects.write(posteriorObject(name), posteriorBytes(head, text), {
        generationMatch: posteriorGeneration,
      });
      posteriorGeneration = written.generation;
      posteriorDueMs = null;
    } catch (error) {
      // The statistics are written, and everything can be derived from them: nobody's event comes again for this.
      if (!(error instanceof AuroraError)) throw error;
      posteriorDueMs = hostClock.now();
      if (isConflict(error)) kept = false;
      log.warn({ learner: name, error }, 'posterior could not be written; it is tried again');
    }
  };

  const tellDrifts = (before: readonly string[], now: readonly string[]): void => {
    const [begun, over] = [now.filter((one) => !before.includes(one)), before.filter((one) => !now.includes(one))];
    if (begun.length > 0)
      log.warn({ learner: name, drifting: begun }, 'drift alarm: the record does not hold any more');
    if (over.length > 0) log.info({ learner: name, drifting: over }, 'drift over');
  };

  const write = async (snapshot: Snapshot): Promise<void> => {
    if (snapshot.refitMs !== null) deps.onRefit(snapshot.refitMs);
    const now = rfc3339(worldClock.now());
    const metadata = {
      observations: String(snapshot.observations),
      written_at: now,
      newest_at: snapshot.newestMs === null ? '' : rfc3339(snapshot.newestMs),
      drifting: JSON.stringify(snapshot.drifting.slice(0, MAX_DRIFTING)),
    };
    kept = false;
    const written = await objects.write(
      statisticsObject(name),
      snapshot.statistics,
      { generationMatch: generation },
      metadata,
    );
    generation = written.generation;
    kept = true;
    lost = false;
    tellDrifts(standing.drifting, snapshot.drifting);
    standing = snapshot;
    writtenAtMs = Date.parse(now);
    if (snapshot.posterior !== null) await writePosterior(snapshot.posterior);
    else posteriorDueMs ??= hostClock.now() + POSTERIOR_AGE_LIMIT_MS;
  };

  /** A kill between the two, or a damaged one: derived again from what was loaded. */
  const repairPosterior = async (): Promise<void> => {
    const found = await readUsable(objects, posteriorObject(name));
    posteriorGeneration = found.generation;
    if (found.bytes !== null && describes(found.bytes, generation)) return;
    await writePosterior(await study.posterior(name));
  };

  const load = async (): Promise<boolean> => {
    const found = await readUsable(objects, statisticsObject(name));
    lost = true;
    generation = found.generation;
    if (found.bytes === null) {
      if (found.fault !== null) log.error({ learner: name, error: found.fault }, 'statistics are damaged');
      standing = await study.open({ name, statistics: null, model });
      return false;
    }
    try {
      standing = await study.open({ name, statistics: found.bytes, model });
    } catch (error) {
      if (!(error instanceof RejectedError)) throw error;
      log.error({ learner: name, error }, 'statistics cannot be used; they are built anew');
      // Fails again when it is the network that cannot be used: then nothing can be built either.
      standing = await study.open({ name, statistics: null, model });
      return false;
    }
    writtenAtMs = Date.parse(found.metadata['written_at'] ?? '') || null;
    kept = true;
    lost = false;
    await repairPosterior();
    return true;
  };

  const untidy = (): boolean => kept && !reading && posteriorDueMs !== null && hostClock.now() >= posteriorDueMs;

  return {
    name,
    load,
    async learn(entries) {
      if (reading) return study.take(name, entries);
      for (let attempt = 1; ; attempt++) {
        if (!kept && !(await load()))
          throw new TransientError('objects_unavailable', `statistics of ${name} are gone; they are to be built anew`);
        kept = false;
        const counts = await study.take(name, entries);
        // All of them are in the object already.
        if ((counts.applied ?? 0) + (counts.superseded ?? 0) + (counts.no_baseline ?? 0) === 0) {
          kept = true;
          return counts;
        }
        const stale = posteriorDueMs !== null && hostClock.now() >= posteriorDueMs;
        const snapshot = await study.snapshot(name, worldClock.now(), stale);
        try {
          await write(snapshot);
          return counts;
        } catch (error) {
          if (!isConflict(error) || attempt === CONFLICT_LIMIT) throw retried(name, error);
          deps.onConflict();
          log.info({ learner: name, attempt }, 'another instance wrote the statistics; they are read again');
        }
      }
    },
    async beginRecord() {
      await study.readRecord(name, 'begin');
      reading = true;
    },
    readRecord: (rows) => study.readRecord(name, rows),
    async endRecord() {
      reading = false;
      kept = false;
      try {
        await study.readRecord(name, 'end');
        posteriorGeneration = (await readUsable(objects, posteriorObject(name))).generation;
        await write(await study.snapshot(name, worldClock.now(), true));
      } catch (error) {
        throw retried(name, error);
      }
    },
    untidy,
    async tidy() {
      if (untidy()) await write(await study.snapshot(name, worldClock.now(), true));
    },
    view: () => ({ ...standing, generation: generation === '0' ? null : generation, writtenAtMs }),
    lost: () => lost,
  };
}

interface Found {
  /** Null: there is nothing of use. */
  readonly bytes: Uint8Array | null;
  /** What a write replaces; "0": nothing. */
  readonly generation: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly fault: string | null;
}

async function readUsable(objects: Objects, object: string): Promise<Found> {
  let found: StoredObject | null;
  try {
    found = await objects.read(object);
  } catch (error) {
    if (!(error instanceof RejectedError) || error.code !== 'object_damaged') throw error;
    return {
      bytes: null,
      generation: String(error.details?.['generation'] ?? '0'),
      metadata: {},
      fault: error.message,
    };
  }
  if (found === null) return { bytes: null, generation: '0', metadata: {}, fault: null };
  return { ...found, fault: null };
}

/** Whether a stored posterior was derived from these statistics, as far as its head says. */
function describes(bytes: Uint8Array, generation: string): boolean {
  try {
    return posteriorHeader(bytes).statistics_generation === generation;
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    return false;
  }
}

const isConflict = (error: unknown): boolean =>
  error instanceof RejectedError && error.code === 'object_precondition_failed';

/** An event is not to blame for what the store says: it comes again. */
const retried = (name: string, error: unknown): unknown =>
  error instanceof RejectedError
    ? new TransientError('objects_unavailable', `statistics of ${name}: ${error.message}`, { cause: error })
    : error;

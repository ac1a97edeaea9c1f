/** What the next step is decided on: who acts, who could, what has been said of them, and how long the record is. */
import { LINEAR } from '#shared/domain/actor.ts';
import type { Control } from '#shared/domain/control.ts';
import { RejectedError } from '#shared/errors.ts';
import { trainingWatermark } from '#shared/queries/training.ts';
import { type LearnerVerdict, newestLearnerVerdict } from '#shared/registry/learner-verdicts.ts';
import type { AliasEntry } from '#shared/registry/registry.ts';
import type { Verdict } from '#shared/registry/verdict.ts';
import { readControl } from '#shared/serving/change-control.ts';
import type { PromoteDeps } from '../deps.ts';
import { type Notes, readNotes } from '../notes.ts';

/** Whoever may be tried, and what the gate said of it last. */
export interface Contender {
  readonly name: string;
  readonly verdict: Verdict | null;
}

export interface Situation {
  /** World epoch milliseconds. */
  readonly nowMs: number;
  readonly control: Control;
  /** Null: nobody, the rules act (in stage online: the learner on its own). */
  readonly champion: AliasEntry | null;
  readonly apprentice: Contender | null;
  readonly learner: LearnerVerdict | null;
  /** Attempts that have ended and taught something. */
  readonly ended: number;
  /** Arrival of the newest outcome; null: there is none. RFC 3339, world time. */
  readonly watermark: string | null;
  readonly notes: Notes;
}

/** What it is read from. */
export type SituationDeps = Pick<PromoteDeps, 'registry' | 'objects' | 'warehouse' | 'state' | 'worldClock' | 'stage'>;

/** @throws TransientError when a store is away */
export async function readSituation(deps: SituationDeps): Promise<Situation> {
  const { registry, objects, warehouse, worldClock } = deps;
  const { control } = await readControl(deps);
  const [champion, apprentice] = [await registry.aliasHead('champion'), await registry.aliasHead('apprentice')];
  const version = apprentice?.version ?? null;
  const [counted] = await warehouse.query(trainingWatermark, {});
  return {
    nowMs: worldClock.now(),
    control,
    champion: champion?.version == null ? null : champion,
    apprentice:
      version === null || version === LINEAR ? null : { name: version, verdict: await verdictOn(deps, version) },
    learner: await newestLearnerVerdict(objects),
    ended: counted?.matured ?? 0,
    watermark: counted?.watermark ?? null,
    notes: await readNotes(deps),
  };
}

/** Null: not judged yet, or nobody can tell any more. */
async function verdictOn({ registry }: SituationDeps, version: string): Promise<Verdict | null> {
  try {
    return await registry.readVerdict(version);
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    return null;
  }
}

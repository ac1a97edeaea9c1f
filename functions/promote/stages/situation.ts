/** What the next step is decided on: who acts, who could, what has been said of them, and how much has happened. */
import { LINEAR } from '#shared/domain/actor.ts';
import type { Control } from '#shared/domain/control.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { posteriorObject } from '#shared/learning/fast/learned-objects.ts';
import type { Objects } from '#shared/ports/objects.ts';
import { maturedSince, trainingWatermark } from '#shared/queries/training.ts';
import { type LearnerVerdict, newestLearnerVerdict } from '#shared/registry/learner-verdicts.ts';
import type { AliasEntry } from '#shared/registry/registry.ts';
import type { Verdict } from '#shared/registry/verdict.ts';
import { readControl } from '#shared/serving/change-control.ts';
import { PROMOTE, type PromoteDeps } from '../deps.ts';
import { changeNotes, type Notes, readNotes } from '../notes.ts';
import { verdictOn } from '../verdict-on.ts';

/** Whoever may be tried, and what the gate said of it last. */
export interface Candidate {
  readonly name: string;
  readonly verdict: Verdict | null;
  /** Whether what it has learnt is there: without that it cannot act. */
  readonly ready: boolean;
}

export interface Situation {
  /** World epoch milliseconds. */
  readonly nowMs: number;
  readonly control: Control;
  /** Null: nobody, the rules act (in stage online: the learner on its own). */
  readonly champion: AliasEntry | null;
  /** Whom a person's word took the champion away from last, and when. */
  readonly dismissed: { readonly name: string; readonly at: string } | null;
  readonly apprentice: Candidate | null;
  readonly learner: (LearnerVerdict & { readonly ready: boolean }) | null;
  /** Attempts that have ended and taught something, ever. */
  readonly ended: number;
  /** Arrival of the newest outcome; null: there is none. RFC 3339, world time. */
  readonly watermark: string | null;
  readonly notes: Notes;
}

type Stores = Pick<PromoteDeps, 'registry' | 'objects' | 'state' | 'warehouse' | 'worldClock' | 'stage'>;

/** @throws TransientError when a store is away */
export async function readSituation(deps: Stores): Promise<Situation> {
  const { registry, objects, worldClock } = deps;
  const { control } = await readControl(deps);
  const [champion, apprentice] = [await registry.aliasHead('champion'), await registry.aliasHead('apprentice')];
  const version = apprentice?.version ?? null;
  const learner = await newestLearnerVerdict(objects);
  return {
    nowMs: worldClock.now(),
    control,
    champion: champion?.version == null ? null : champion,
    dismissed: dismissedBy(champion),
    apprentice:
      version === null || version === LINEAR
        ? null
        : { name: version, verdict: await verdictOn(deps, version), ready: await hasLearnt(objects, version) },
    learner: learner === null ? null : { ...learner, ready: await hasLearnt(objects, LINEAR) },
    ...(await countEnded(deps)),
  };
}

function dismissedBy(head: AliasEntry | null): Situation['dismissed'] {
  if (head === null || head.by === PROMOTE || head.previous_version === null) return null;
  return { name: head.previous_version, at: head.at };
}

/** Retention takes rows away, so what has arrived is added up as it does. */
async function countEnded(
  deps: Pick<Stores, 'state' | 'warehouse'>,
): Promise<Pick<Situation, 'ended' | 'watermark' | 'notes'>> {
  const { warehouse } = deps;
  const notes = await readNotes(deps);
  const { count, until } = notes.ended;
  const [newest] = await warehouse.query(trainingWatermark, {});
  const watermark = newest?.watermark ?? null;
  if (watermark === null || watermark === until) return { ended: count, watermark, notes };
  const [fresh] = await warehouse.query(maturedSince, { since: until ?? rfc3339(0) });
  const ended = { count: count + (fresh?.matured ?? 0), until: watermark };
  // Another instance may have counted meanwhile; then its word stands.
  await changeNotes(deps, (now) => (now.ended.until === until ? { ...now, ended } : now));
  return { ended: ended.count, watermark, notes: { ...notes, ended } };
}

const hasLearnt = async (objects: Objects, name: string): Promise<boolean> =>
  (await objects.list(posteriorObject(name), { limit: 1 })).length > 0;

import { rfc3339 } from '#shared/domain/primitives.ts';
import { whyNotServable } from '#shared/learning/servable.ts';
import { loopCounts } from '#shared/queries/loop-counts.ts';
import { createRegistry, type Registry } from '#shared/registry/registry.ts';
import { type ControlView, readControl } from '#shared/serving/change-control.ts';
import { isOfJobs } from '../stack/jobs.ts';
import type { Stack } from '../stack/stack.ts';
import type { PastTrial } from '../trials/past.ts';
import { type LearnerStatus, learnersOf } from './learners.ts';
import { localOperation } from './operation.ts';
import { noParams } from './params.ts';
import { type PastDamage, pastDamage } from './past-damage.ts';
import { type Serving, servingOf } from './serving.ts';
import { registryOf } from './training.ts';
import { lastTrial } from './trials.ts';

/** What the record holds. */
export interface Counts {
  readonly decisions: { readonly accepted: number; readonly distinct: number };
  readonly outcomes: { readonly accepted: number; readonly distinct: number };
  /** Ended attempts at another offer, after the first had come to nothing. */
  readonly fallbacks: number;
  readonly rejected: number;
}

type Stage = 'online' | 'apprentice' | 'none';

/** How things stand now; none of it needs the warehouse. */
export interface Current {
  /** World time, RFC 3339. */
  readonly world_time: string;
  readonly dead_letters: number;
  /** Messages not yet delivered, of all subscriptions of the loop. */
  readonly backlog: number;
  readonly latest_model: {
    readonly version: string;
    readonly verdict: string | null;
    readonly stage: Stage;
  } | null;
  /** What the alias says. */
  readonly champion: { readonly version: string; readonly promoted_at: string } | null;
  /** What people and the gate say of who acts. */
  readonly control: ControlView;
  /** Who acts by it, and why that is somebody else than should; null: no score runs here. */
  readonly serving: Serving | null;
  /** What the fast learner knows: on its own, and on top of the versions that the aliases name. */
  readonly learners: readonly LearnerStatus[];
  /** What of the registry cannot be read, in plain words. */
  readonly damaged: readonly string[];
}

export interface Status extends Counts, Current {
  /** Null: none ended of late. */
  readonly last_trial: PastTrial | null;
}

/** What `vm status` shows: what was accepted, what is distinct, what waits, what serves. */
export const status = localOperation({
  name: 'status',
  params: noParams,
  run: async (stack): Promise<Status> => {
    const counts = await countsOf(stack);
    const current = await currentOf(stack);
    const fault = current.serving === null ? await championFault(stack, current) : null;
    const { world_time, damaged, ...rest } = current;
    const last = await lastTrial(stack);
    return {
      world_time,
      ...counts,
      ...rest,
      last_trial: last,
      damaged: fault === null ? damaged : [...damaged, fault],
    };
  },
});

export async function countsOf({ platform }: Pick<Stack, 'platform'>): Promise<Counts> {
  const [counts] = await (await platform.warehouse()).query(loopCounts, {});
  return {
    decisions: { accepted: counts?.decisions_accepted ?? 0, distinct: counts?.decisions_distinct ?? 0 },
    outcomes: { accepted: counts?.outcomes_accepted ?? 0, distinct: counts?.outcomes_distinct ?? 0 },
    fallbacks: counts?.fallbacks_distinct ?? 0,
    rejected: counts?.rejected ?? 0,
  };
}

/** Nobody serves here who would have noticed. */
async function championFault(stack: Stack, { champion }: Current): Promise<string | null> {
  return champion === null ? null : whyNotServable(await registryOf(stack), champion.version);
}

export async function currentOf(stack: Pick<Stack, 'platform' | 'functions'>): Promise<Current> {
  const { platform } = stack;
  const bus = await platform.bus();
  const objects = await platform.objects();
  const registry = createRegistry({ objects, worldClock: platform.worldClock });
  const stats = await bus.stats();
  const { read, damaged } = pastDamage();
  const [champion, apprentice, latest] = [
    await read(registry.aliasHead('champion')),
    await read(registry.aliasHead('apprentice')),
    await latestVersion(registry, read),
  ];
  const verdict = latest === null ? null : await read(registry.readVerdict(latest));
  const serving = await servingOf(stack);
  const stageOf = (version: string): Stage => {
    // What score could not load has no stage, whatever names it.
    if (serving !== null && serving.fault !== null && serving.version !== version) return 'none';
    return champion?.version === version ? 'online' : apprentice?.version === version ? 'apprentice' : 'none';
  };
  return {
    world_time: rfc3339(platform.worldClock.now()),
    dead_letters: await bus.countDeadLetters(),
    backlog: stats.reduce((sum, { subscription, backlog }) => sum + (isOfJobs(subscription) ? 0 : backlog), 0),
    latest_model:
      latest === null ? null : { version: latest, verdict: verdict?.verdict ?? null, stage: stageOf(latest) },
    champion: champion?.version == null ? null : { version: champion.version, promoted_at: champion.at },
    control: await readControl({ objects, stage: platform.config.stage }),
    serving,
    learners: await learnersOf(objects, [champion?.version, apprentice?.version]),
    damaged,
  };
}

/** A whole version never changes, so its instant is read once per process. */
const createdAt = new Map<string, string>();

async function latestVersion(registry: Registry, read: PastDamage['read']): Promise<string | null> {
  let latest: string | null = null;
  for (const version of await registry.listVersions()) {
    const known = createdAt.get(version) ?? (await read(registry.readManifest(version)))?.created_at;
    if (known === undefined) continue;
    createdAt.set(version, known);
    if (latest === null || known > (createdAt.get(latest) ?? '')) latest = version;
  }
  return latest;
}

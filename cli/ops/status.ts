import { rfc3339 } from '#shared/domain/primitives.ts';
import { loopCounts } from '#shared/queries/loop-counts.ts';
import { createRegistry, type Registry } from '#shared/registry/registry.ts';
import type { Stack } from '../stack/stack.ts';
import { operation } from './operation.ts';
import { noParams } from './params.ts';

/** What the record holds. */
export interface Counts {
  readonly decisions: { readonly accepted: number; readonly distinct: number };
  readonly outcomes: { readonly accepted: number; readonly distinct: number };
  readonly rejected: number;
}

/** How things stand now; none of it needs the warehouse. */
export interface Current {
  /** World time, RFC 3339. */
  readonly world_time: string;
  readonly dead_letters: number;
  /** Messages not yet delivered, of all subscriptions. */
  readonly backlog: number;
  readonly latest_model: {
    readonly version: string;
    readonly verdict: string | null;
    readonly stage: 'online' | 'apprentice' | 'none';
  } | null;
  readonly champion: { readonly version: string; readonly promoted_at: string } | null;
}

type Status = Counts & Current;

/** What `vm status` shows: what was accepted, what is distinct, what waits, what serves. */
export const status = operation({
  name: 'status',
  params: noParams,
  run: async (stack): Promise<Status> => {
    const counts = await countsOf(stack);
    const { world_time, ...current } = await currentOf(stack);
    return { world_time, ...counts, ...current };
  },
});

export async function countsOf({ platform }: Pick<Stack, 'platform'>): Promise<Counts> {
  const [counts] = await (await platform.warehouse()).query(loopCounts, {});
  return {
    decisions: { accepted: counts?.decisions_accepted ?? 0, distinct: counts?.decisions_distinct ?? 0 },
    outcomes: { accepted: counts?.outcomes_accepted ?? 0, distinct: counts?.outcomes_distinct ?? 0 },
    rejected: counts?.rejected ?? 0,
  };
}

export async function currentOf({ platform }: Pick<Stack, 'platform'>): Promise<Current> {
  const bus = await platform.bus();
  const registry = createRegistry({ objects: await platform.objects(), worldClock: platform.worldClock });
  const stats = await bus.stats();
  const [champion, apprentice, latest] = [
    await registry.aliasHead('champion'),
    await registry.aliasHead('apprentice'),
    await latestVersion(registry),
  ];
  const verdict = latest === null ? null : await registry.readVerdict(latest);
  const stageOf = (version: string): 'online' | 'apprentice' | 'none' =>
    champion?.version === version ? 'online' : apprentice?.version === version ? 'apprentice' : 'none';
  return {
    world_time: rfc3339(platform.worldClock.now()),
    dead_letters: await bus.countDeadLetters(),
    backlog: stats.reduce((sum, subscription) => sum + subscription.backlog, 0),
    latest_model:
      latest === null ? null : { version: latest, verdict: verdict?.verdict ?? null, stage: stageOf(latest) },
    champion: champion?.version == null ? null : { version: champion.version, promoted_at: champion.at },
  };
}

/** A whole version never changes, so its instant is read once per process. */
const createdAt = new Map<string, string>();

async function latestVersion(registry: Registry): Promise<string | null> {
  let latest: string | null = null;
  for (const version of await registry.listVersions()) {
    const known = createdAt.get(version) ?? (await registry.readManifest(version)).created_at;
    createdAt.set(version, known);
    if (latest === null || known > (createdAt.get(latest) ?? '')) latest = version;
  }
  return latest;
}

import { loopCounts } from '#shared/queries/loop-counts.ts';
import { createRegistry, type Registry } from '#shared/registry/registry.ts';
import { operation } from './operation.ts';
import { noParams } from './params.ts';

export interface Status {
  /** World time, RFC 3339. */
  readonly world_time: string;
  readonly decisions: { readonly accepted: number; readonly distinct: number };
  readonly outcomes: { readonly accepted: number; readonly distinct: number };
  readonly rejected: number;
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

/** What `vm status` shows: what was accepted, what is distinct, what waits, what serves. */
export const status = operation({
  name: 'status',
  params: noParams,
  run: async ({ platform }): Promise<Status> => {
    const warehouse = await platform.warehouse();
    const bus = await platform.bus();
    const registry = createRegistry({ objects: await platform.objects(), worldClock: platform.worldClock });
    const [counts] = await warehouse.query(loopCounts, {});
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
      world_time: new Date(platform.worldClock.now()).toISOString(),
      decisions: { accepted: counts?.decisions_accepted ?? 0, distinct: counts?.decisions_distinct ?? 0 },
      outcomes: { accepted: counts?.outcomes_accepted ?? 0, distinct: counts?.outcomes_distinct ?? 0 },
      rejected: counts?.rejected ?? 0,
      dead_letters: await bus.countDeadLetters(),
      backlog: stats.reduce((sum, subscription) => sum + subscription.backlog, 0),
      latest_model:
        latest === null ? null : { version: latest, verdict: verdict?.verdict ?? null, stage: stageOf(latest) },
      champion: champion?.version == null ? null : { version: champion.version, promoted_at: champion.at },
    };
  },
});

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

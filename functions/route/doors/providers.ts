/** `GET /providers`, `GET /providers/:id`: who sells, as collect and deploy have seen them last. */
import { canonicalProvider, providerTitle } from '#shared/domain/aliases.ts';
import { RejectedError } from '#shared/errors.ts';
import { type HttpRoute, json } from '#shared/runtime/http-function.ts';
import { barOf, type Now, queueMs, type Standing } from '../standing.ts';
import type { Tools } from '../tools.ts';

export function providerDoors(tools: Tools): readonly HttpRoute[] {
  const { world, callerOf } = tools;
  return [
    {
      method: 'GET',
      path: '/providers',
      async handle(request) {
        await callerOf(request);
        const regions = regionsOf(tools);
        return json(200, { providers: [...world.standings().values()].map((one) => shown(tools, one, regions)) });
      },
    },
    {
      method: 'GET',
      path: '/providers/:id',
      async handle(request) {
        await callerOf(request);
        const given = request.params['id'] ?? '';
        const standing = world.standings().get(canonicalProvider(given));
        if (standing !== undefined) return json(200, shown(tools, standing, regionsOf(tools)));
        const known = [...world.standings().keys()].join(', ') || 'none yet';
        throw new RejectedError(
          'provider_unknown',
          `no provider ${JSON.stringify(given.slice(0, 64))}; known: ${known}`,
        );
      },
    },
  ];
}

type Regions = ReadonlyMap<string, ReadonlySet<string>>;

/** Where each provider's active offers are. */
function regionsOf({ world }: Tools): Regions {
  const regions = new Map<string, Set<string>>();
  for (const { provider, region, active } of world.offers()?.value.snapshot.offers ?? []) {
    if (!active) continue;
    const known = regions.get(provider);
    if (known === undefined) regions.set(provider, new Set([region]));
    else known.add(region);
  }
  return regions;
}

/** Null: nobody knows. The first six fields, `reputation` and `base_latency_ms` are those of the existing router. */
function shown({ world, queues, hostClock, worldClock }: Tools, standing: Standing, regions: Regions) {
  const { provider, report, deployer } = standing;
  const now: Now = { hostMs: hostClock.now(), worldMs: worldClock.now(), speed: worldClock.speed };
  const decidedMs = queues.waitMs(provider, now.hostMs);
  const bar = barOf(standing, decidedMs, now);
  return {
    id: provider,
    name: providerTitle(provider),
    active: report !== null && report.health !== 'down' && bar?.reason !== 'provider_down',
    regions: [...(regions.get(provider) ?? [])].sort(),
    gpu_types: Object.keys(report?.usd_per_gpu_hour ?? {}).sort(),
    health: report?.health ?? 'unknown',
    since: report?.since ?? null,
    /** Code of what failed at the last look. */
    error: report?.error?.code ?? null,
    offers: report?.offers ?? null,
    offers_at: report?.offers_at ?? null,
    usd_per_gpu_hour: report?.usd_per_gpu_hour ?? {},
    capacity_gpu_hours: report?.capacity_gpu_hours ?? null,
    latency_ms: report?.latency_ms ?? null,
    base_latency_ms: report?.latency_ms ?? null,
    reputation: report?.reputation ?? null,
    answered_ms: report?.answered_ms ?? null,
    capabilities: report?.capabilities ?? null,
    active_deployments: world.deployments()?.active[provider] ?? null,
    breaker: deployer?.breaker ?? null,
    refusing: deployer?.refusing?.code ?? null,
    /** Host milliseconds that a creation asked for now waits for its turn. */
    queue_ms: queueMs(standing, decidedMs, now),
    /** Why nothing is routed to it now, and what is needed; null: it takes part. */
    excluded: bar,
  };
}

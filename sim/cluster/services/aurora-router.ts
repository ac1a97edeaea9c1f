import { z } from 'zod';
import type { FaultSwitches } from '../faults/switches.ts';
import { exposition, type Family, gauge, histogram } from './exposition.ts';
import { EXPOSITION, json, type Service, type ServiceReply, text } from './service.ts';

export interface RouterOptions {
  readonly startMs: number;
  readonly faults: FaultSwitches;
  /** Host milliseconds of `router_slow`. */
  readonly slowMs: number;
}

interface ProviderFact {
  readonly id: string;
  readonly usdPerHour: number;
  readonly latencyMs: number;
  readonly gpus: readonly string[];
  /** GPUs that it lets. */
  readonly capacity: number;
}

const MODE = 'rules';

/** In the names that the deployment has for them. */
const PROVIDERS: readonly ProviderFact[] = [
  { id: 'akash', usdPerHour: 1.45, latencyMs: 320, gpus: ['a100', 'h100', 't4'], capacity: 120 },
  { id: 'ionet', usdPerHour: 1.2, latencyMs: 410, gpus: ['a100', '4090'], capacity: 80 },
  { id: 'render', usdPerHour: 0.55, latencyMs: 380, gpus: ['4090', 'a6000'], capacity: 60 },
  { id: 'vastai', usdPerHour: 0.42, latencyMs: 450, gpus: ['4090', 'a6000', 'a100', 'l40'], capacity: 200 },
];

const routeRequest = z.object({
  workload_type: z.string().min(1),
  gpu_type: z.enum(['a100', 'h100', 'a6000', '4090', 't4', 'l40']),
  region: z.string().min(1),
  gpu_hours: z.number().gt(0),
  max_price: z.number().gt(0).optional(),
  max_latency_ms: z.number().gt(0).optional(),
});

/** The router that is there before ours: it knows four providers and takes the cheapest that fits. */
export function createAuroraRouter({ startMs, faults, slowMs }: RouterOptions): Service {
  const routed = new Map<string, number>();
  let refused = 0;
  let lastMs: number | null = null;

  function route(body: unknown, nowMs: number): ServiceReply {
    const asked = routeRequest.safeParse(body);
    if (!asked.success) return json({ error: asked.error.issues[0]?.message ?? 'invalid request' }, 400);
    lastMs = nowMs;
    const { gpu_type, max_price = Number.POSITIVE_INFINITY, max_latency_ms = Number.POSITIVE_INFINITY } = asked.data;
    const fitting = PROVIDERS.filter(
      ({ gpus, usdPerHour, latencyMs }) =>
        gpus.includes(gpu_type) && usdPerHour <= max_price && latencyMs <= max_latency_ms,
    );
    const [best] = [...fitting].sort((a, b) => a.usdPerHour - b.usdPerHour);
    if (best === undefined) {
      refused += 1;
      return json({ status: 'no_capacity', reason: `no provider has ${gpu_type} within the limits` }, 503);
    }
    const count = (routed.get(best.id) ?? 0) + 1;
    routed.set(best.id, count);
    return json({
      provider: best.id,
      price_usd_per_hour: best.usdPerHour,
      estimated_latency_ms: best.latencyMs,
      deployment_id: `${best.id}-${count}`,
      status: 'provisioning',
    });
  }

  function get(path: string, nowMs: number): ServiceReply {
    if (path === '/health')
      return json({
        status: 'healthy',
        uptime: Math.floor((nowMs - startMs) / 1000),
        lastRequest: lastMs === null ? null : new Date(lastMs).toISOString(),
        mode: MODE,
        providers: PROVIDERS.map(({ id }) => id),
      });
    if (path === '/providers') return json(PROVIDERS.map(seen));
    const one = PROVIDERS.find(({ id }) => path === `/providers/${id}`);
    if (one !== undefined) return json(seen(one));
    if (path === '/metrics') return text(exposition(familiesOf(routed, refused)), EXPOSITION);
    return json({ error: 'not found' }, 404);
  }

  return {
    isDown: () => faults.has('router_down'),
    answer({ method, path, body, nowMs }) {
      if (method === 'POST') return path === '/route' ? route(body, nowMs) : json({ error: 'not found' }, 404);
      return get(path, nowMs);
    },
    delayMs: () => (faults.has('router_slow') ? slowMs : 0),
  };
}

const seen = ({ id, usdPerHour, latencyMs, gpus }: ProviderFact) => ({
  id,
  name: id,
  active: true,
  gpu_types: gpus,
  price_usd_per_hour: usdPerHour,
  latency_ms: latencyMs,
});

function familiesOf(routed: ReadonlyMap<string, number>, refused: number): readonly Family[] {
  const each = (name: string, help: string, of: (provider: ProviderFact) => number): Family => ({
    name,
    help,
    type: 'gauge',
    samples: PROVIDERS.map((provider) => ({ labels: { provider: provider.id }, value: of(provider) })),
  });
  return [
    {
      name: 'aurora_route_requests_total',
      help: 'Requests that were routed',
      type: 'counter',
      samples: PROVIDERS.map(({ id }) => ({
        labels: { provider: id, status: 'success' },
        value: routed.get(id) ?? 0,
      })),
    },
    {
      name: 'aurora_route_failures_total',
      help: 'Requests that no provider took',
      type: 'counter',
      samples: [{ labels: { provider: 'none', reason: 'no_capacity' }, value: refused }],
    },
    {
      name: 'aurora_route_duration_seconds',
      help: 'How long a route takes',
      type: 'histogram',
      samples: PROVIDERS.flatMap(({ id }) => {
        const count = routed.get(id) ?? 0;
        // It looks at four lines of a table.
        return histogram({ provider: id, mode: MODE }, [0.01, 0.1, 1], [count, count, count], count, count / 1_000);
      }),
    },
    each('aurora_active_deployments', 'Deployments', ({ id }) => routed.get(id) ?? 0),
    each('aurora_provider_health', '1: healthy', () => 1),
    each('aurora_provider_latency_ms', 'Latency', ({ latencyMs }) => latencyMs),
    each('aurora_provider_cost_usd', 'Price of an hour', ({ usdPerHour }) => usdPerHour),
    each('aurora_provider_capacity', 'GPUs', ({ capacity }) => capacity),
    {
      name: 'aurora_ai_decisions_total',
      help: 'Decisions by what made them',
      type: 'counter',
      samples: [{ labels: { mode: MODE }, value: [...routed.values()].reduce((sum, one) => sum + one, refused) }],
    },
    gauge('aurora_ai_reward', 'What it was rewarded with: it does not learn', 0),
  ];
}

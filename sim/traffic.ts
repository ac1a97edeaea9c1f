import type { RouteRequest } from '#shared/domain/request.ts';
import { exponential, normal, pick, uniforms } from './market/random.ts';
import type { MarketSpec } from './market/spec.ts';

export interface TrafficItem {
  readonly request_id: string;
  readonly body: RouteRequest;
}

/**
 * The requests of the market's tenants: the item of an index is a pure function of (spec, seed, index). Words are as the
 * tenants write them, not canonical.
 */
export function trafficStream(options: {
  readonly spec: MarketSpec;
  readonly seed: number;
}): (index: number) => TrafficItem {
  const { spec, seed } = options;
  const tenants = spec.tenants.map((tenant) => [tenant, tenant.share] as const);
  return (index) => {
    const draw = uniforms(seed, 'request', spec.name, index);
    const tenant = pick(tenants, draw());
    const workloadType = pick(Object.entries(tenant.mix), draw());
    const profile = spec.workloads[workloadType];
    // The spec's own check admits no such mix.
    if (profile === undefined) throw new RangeError(`workload ${workloadType}: expected an entry in workloads`);
    const gpuType = pick(Object.entries(tenant.gpu_types ?? profile.gpu_types), draw());
    const region = pick(Object.entries(tenant.regions), draw());
    const gpuCount = Number(pick(Object.entries(profile.gpu_counts), draw()));
    const critical = draw() < tenant.critical_share;
    const { median, sigma, min, max } = profile.gpu_hours;
    const gpuHours = Math.min(max, Math.max(min, median * Math.exp(sigma * normal(draw))));
    const maxPrice = Object.hasOwn(tenant.max_price, gpuType) ? tenant.max_price[gpuType] : undefined;
    const requestId = `${spec.name}-${seed}-${index}`;
    return {
      request_id: requestId,
      body: {
        request_id: requestId,
        tenant_id: tenant.tenant_id,
        workload_type: workloadType,
        gpu_type: gpuType,
        region,
        gpu_hours: Number(gpuHours.toFixed(3)),
        gpu_count: gpuCount,
        ...(maxPrice === undefined ? {} : { max_price: maxPrice }),
        ...(tenant.max_latency_ms === undefined ? {} : { max_latency_ms: tenant.max_latency_ms }),
        ...(tenant.min_reputation === undefined ? {} : { min_reputation: tenant.min_reputation }),
        weights: tenant.weights,
        priority: critical ? 'critical' : 'normal',
      },
    };
  };
}

/** Milliseconds between request `index - 1` and request `index` of a Poisson process of `perSecond`. */
export function arrivalGaps(options: { readonly perSecond: number; readonly seed: number }): (index: number) => number {
  return (index) => (1000 / options.perSecond) * exponential(uniforms(options.seed, 'arrival', index));
}

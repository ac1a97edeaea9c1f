import { describe, expect, it } from 'vitest';
import { routeRequest } from '#shared/domain/request.ts';
import { loadMarketSpec } from '#sim/market/load-spec.ts';
import { arrivalGaps, trafficStream } from '#sim/traffic.ts';

const COUNT = 4000;

describe.each(['default', 'second'])('the traffic of the %s market', (name) => {
  const spec = loadMarketSpec(name);
  const items = Array.from({ length: COUNT }, (_, index) => trafficStream({ spec, seed: 4 })(index));

  it('is a function of the index, whatever was asked before', () => {
    const again = trafficStream({ spec, seed: 4 });
    for (const index of [3999, 0, 17, 17]) expect(again(index)).toEqual(items[index]);
    expect(trafficStream({ spec, seed: 5 })(17).body.gpu_hours).not.toBe(items[17]?.body.gpu_hours);
  });

  it('is of requests that the door accepts, under distinct ids', () => {
    for (const { body, request_id } of items) expect(routeRequest.parse(body).request_id).toBe(request_id);
    expect(new Set(items.map((item) => item.request_id)).size).toBe(COUNT);
  });

  it('keeps to the shares, mixes and limits of the tenants', () => {
    for (const tenant of spec.tenants) {
      const own = items.filter((item) => item.body.tenant_id === tenant.tenant_id).map((item) => item.body);
      // Five standard errors of a share of about .3 over 4,000.
      expect(Math.abs(own.length / COUNT - tenant.share)).toBeLessThan(0.037);
      for (const body of own) {
        expect(Object.keys(tenant.mix)).toContain(body.workload_type);
        expect(Object.keys(tenant.regions)).toContain(body.region);
        expect(body.weights).toEqual(tenant.weights);
        expect(body.max_price).toBe(tenant.max_price[body.gpu_type]);
        expect(body.max_latency_ms).toBe(tenant.max_latency_ms);
        const hours = spec.workloads[body.workload_type]?.gpu_hours;
        expect(body.gpu_hours).toBeGreaterThanOrEqual(hours?.min ?? Number.NaN);
        expect(body.gpu_hours).toBeLessThanOrEqual(hours?.max ?? Number.NaN);
      }
      const critical = own.filter((body) => body.priority === 'critical').length / own.length;
      expect(Math.abs(critical - tenant.critical_share)).toBeLessThan(0.05);
    }
  });
});

describe('arrivals', () => {
  it('are a Poisson process: gaps of the right mean, as spread as they are long', () => {
    const gap = arrivalGaps({ perSecond: 4, seed: 1 });
    const gaps = Array.from({ length: 10_000 }, (_, index) => gap(index));
    const mean = gaps.reduce((sum, one) => sum + one, 0) / gaps.length;
    const deviation = Math.sqrt(gaps.reduce((sum, one) => sum + (one - mean) ** 2, 0) / gaps.length);
    // Four standard errors of the mean are 10 ms.
    expect(Math.abs(mean - 250)).toBeLessThan(10);
    expect(Math.abs(deviation / mean - 1)).toBeLessThan(0.05);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(0);
  });
});

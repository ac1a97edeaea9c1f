/** What keeps an offer out whatever the request says: its provider's state, and what its tenant may spend. Score knows of neither. */
import type { Offer } from '#shared/domain/offer.ts';
import type { Workload } from '#shared/domain/request.ts';
import type { Shortfall } from './shortfall.ts';

export interface Restrictions {
  /** Providers of which nothing is taken now. */
  readonly barred: ReadonlyMap<string, Shortfall>;
  /** Of the tenant, USD; Infinity: no limit. */
  readonly maxUsdPerGpuHour: number;
  /** Its whole run. */
  readonly maxUsdPerDeployment: number;
}

export const NO_RESTRICTIONS: Restrictions = {
  barred: new Map(),
  maxUsdPerGpuHour: Number.POSITIVE_INFINITY,
  maxUsdPerDeployment: Number.POSITIVE_INFINITY,
};

export const isAdmitted = (
  { barred, maxUsdPerGpuHour, maxUsdPerDeployment }: Restrictions,
  { gpu_hours: hours }: Workload,
  { provider, usd_per_gpu_hour: usd }: Offer,
): boolean => usd <= maxUsdPerGpuHour && usd * hours <= maxUsdPerDeployment && !barred.has(provider);

/** Empty when it is admitted. */
export function refusals(
  { barred, maxUsdPerGpuHour, maxUsdPerDeployment }: Restrictions,
  { gpu_hours: hours }: Workload,
  { provider, usd_per_gpu_hour: usd }: Offer,
): readonly Shortfall[] {
  const bar = barred.get(provider);
  const found: Shortfall[] = bar === undefined ? [] : [bar];
  if (usd > maxUsdPerGpuHour) found.push({ reason: 'price', needed: `max_usd_per_gpu_hour of the tenant >= ${usd}` });
  if (usd * hours > maxUsdPerDeployment)
    found.push({ reason: 'price', needed: `max_usd_per_deployment of the tenant >= ${usd * hours}` });
  return found;
}

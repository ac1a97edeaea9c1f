/** Which providers are not routed to now, from what collect and deploy say of them and from what was decided here. Pure. */
import { CREATION_QUEUE_LIMIT_MS, DEPLOYER_REFUSAL_FRESH_MS, DEPLOYER_REPORT_FRESH_MS } from '#shared/defaults.ts';
import type { DeployerReport, ProviderReport, ProvidersSnapshot } from '#shared/domain/provider-report.ts';
import type { Shortfall } from '#shared/rules/shortfall.ts';
import { offersStaleLimitMs } from '#shared/serving/offers.ts';

/** What there is to know of a provider, in numbers that a decision can use at once. */
export interface Standing {
  readonly provider: string;
  /** Null: collect says nothing of it. */
  readonly report: ProviderReport | null;
  /** World epoch milliseconds. */
  readonly reportedAtMs: number;
  /** Null: deploy says nothing of it. */
  readonly deployer: DeployerReport | null;
  /** Host epoch milliseconds. */
  readonly deployerAtMs: number;
}
export type Standings = ReadonlyMap<string, Standing>;

/** @param snapshot null: none, or one that cannot be read; it keeps nobody out */
export function standingsOf(snapshot: ProvidersSnapshot | null, deployers: readonly DeployerReport[]): Standings {
  const reports = new Map((snapshot?.providers ?? []).map((report) => [report.provider, report]));
  const said = new Map(deployers.map((report) => [report.provider, report]));
  const reportedAtMs = snapshot === null ? 0 : Date.parse(snapshot.observed_at);
  return new Map(
    [...new Set([...reports.keys(), ...said.keys()])].sort().map((provider): [string, Standing] => {
      const deployer = said.get(provider) ?? null;
      const deployerAtMs = deployer === null ? 0 : Date.parse(deployer.at);
      return [provider, { provider, report: reports.get(provider) ?? null, reportedAtMs, deployer, deployerAtMs }];
    }),
  );
}

export interface Now {
  readonly hostMs: number;
  readonly worldMs: number;
  /** World milliseconds in one of the host's. */
  readonly speed: number;
}

/** Host milliseconds that a creation asked for now waits for its turn. @param decidedMs of what was decided here alone */
export function queueMs({ deployer, deployerAtMs }: Standing, decidedMs: number, { hostMs }: Now): number {
  const ageMs = Math.max(0, hostMs - deployerAtMs);
  if (deployer === null || ageMs > DEPLOYER_REPORT_FRESH_MS) return decidedMs;
  // What had waited so long when it was taken is behind; the queue has moved on since.
  return Math.max(decidedMs, deployer.waited_ms - ageMs);
}

/** Why its offers are not taken; null: they are. */
export function barOf(standing: Standing, decidedMs: number, now: Now): Shortfall | null {
  const { provider, report, reportedAtMs, deployer, deployerAtMs } = standing;
  const ageMs = Math.max(0, now.hostMs - deployerAtMs);
  const down = (why: string): Shortfall => ({ reason: 'provider_down', needed: `${provider} ${why}` });
  if (deployer !== null && deployer.refusing !== null && ageMs <= DEPLOYER_REFUSAL_FRESH_MS)
    return down(`to accept us again: ${deployer.refusing.code}`);
  if (deployer?.breaker === 'open' && ageMs <= DEPLOYER_REPORT_FRESH_MS)
    return down('to answer again: its breaker is open');
  const confirmed = now.worldMs - reportedAtMs <= offersStaleLimitMs(now.speed);
  if (report?.health === 'down' && confirmed)
    return down(`to be up again: down since ${report.since}${report.error === null ? '' : `, ${report.error.code}`}`);
  const waitMs = queueMs(standing, decidedMs, now);
  if (waitMs <= CREATION_QUEUE_LIMIT_MS) return null;
  return { reason: 'call_rate', needed: `in ${Math.ceil((waitMs - CREATION_QUEUE_LIMIT_MS) / 1000)} s` };
}

/** @param decidedMs of a provider's creations decided here and not yet due */
export function barredAt(
  standings: Standings,
  decidedMs: (provider: string) => number,
  now: Now,
): ReadonlyMap<string, Shortfall> {
  const barred = new Map<string, Shortfall>();
  for (const [provider, standing] of standings) {
    const bar = barOf(standing, decidedMs(provider), now);
    if (bar !== null) barred.set(provider, bar);
  }
  return barred;
}

/** `providers/current.json`: how each provider stands, of its answers and of the offers that count. Pure. */
import type { Offer } from '#shared/domain/offer.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { ProviderReport, ProvidersSnapshot } from '#shared/domain/provider-report.ts';
import type { ErrorCode } from '#shared/errors.ts';
import type { Capabilities } from '#shared/providers/provider.ts';
import type { Polled } from './decide.ts';

/** It does not want us: waiting heals nothing. */
const REFUSALS: readonly ErrorCode[] = ['provider_unauthorized', 'provider_funds'];

export interface ReportInput {
  readonly previous: ProvidersSnapshot | null;
  readonly polled: readonly Polled[];
  readonly capabilities: ReadonlyMap<string, Capabilities>;
  /** The offers that count now, those of failing providers that are kept among them. */
  readonly offers: readonly Offer[];
  readonly nowMs: number;
}

export function reportsOf({ previous, polled, capabilities, offers, nowMs }: ReportInput): ProvidersSnapshot {
  const before = new Map(previous?.providers.map((report) => [report.provider, report]));
  const byProvider = Map.groupBy(offers, ({ provider }) => provider);
  const providers = polled.map((answer): ProviderReport => {
    const { provider } = answer;
    const own = byProvider.get(provider) ?? [];
    const active = own.filter((offer) => offer.active);
    const last = before.get(provider) ?? null;
    const health = healthOf(answer, own.length);
    const prices = Map.groupBy(active, ({ gpu_type }) => gpu_type);
    return {
      provider,
      health,
      error: answer.error,
      since: last !== null && last.health === health ? last.since : rfc3339(nowMs),
      offers_at: answer.offers === null ? newestOf(own, last) : rfc3339(nowMs),
      answered_ms: answer.answeredMs ?? last?.answered_ms ?? null,
      offers: own.length,
      capacity_gpu_hours: sumOf(active.map((offer) => offer.capacity_gpu_hours)),
      latency_ms: meanOf(active.map((offer) => offer.latency_ms)),
      reputation: meanOf(active.map((offer) => offer.reputation)),
      usd_per_gpu_hour: Object.fromEntries(
        [...prices].map(([gpuType, ones]) => [gpuType, pricesOf(ones.map((offer) => offer.usd_per_gpu_hour))]),
      ),
      capabilities: toPlain(capabilities.get(provider)),
    };
  });
  return { observed_at: rfc3339(nowMs), providers };
}

function healthOf({ offers, error }: Polled, kept: number): ProviderReport['health'] {
  if (offers !== null) return 'up';
  return kept === 0 || REFUSALS.some((code) => code === error?.code) ? 'down' : 'failing';
}

/** Of a provider that gives none now: when it last did. */
const newestOf = (kept: readonly Offer[], last: ProviderReport | null): string | null =>
  last?.offers_at ??
  kept.reduce<string | null>((newest, { observed_at: at }) => (newest === null || at > newest ? at : newest), null);

const known = (figures: readonly (number | null)[]): readonly number[] => figures.filter((figure) => figure !== null);

function sumOf(figures: readonly (number | null)[]): number | null {
  const said = known(figures);
  return said.length === 0 ? null : said.reduce((sum, figure) => sum + figure, 0);
}

function meanOf(figures: readonly (number | null)[]): number | null {
  const sum = sumOf(figures);
  return sum === null ? null : sum / known(figures).length;
}

/** @param prices at least one */
function pricesOf(prices: readonly number[]): ProviderReport['usd_per_gpu_hour'][string] {
  const sorted = prices.toSorted((a, b) => a - b);
  return { min: sorted[0] ?? 0, median: medianOf(sorted), offers: sorted.length };
}

/** Of an even number the mean of the middle two. @param sorted ascending, at least one */
function medianOf(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

const toPlain = (given: Capabilities | undefined): ProviderReport['capabilities'] => ({
  interruptible: given?.interruptible ?? false,
  bids: given?.bids ?? false,
  regions: given?.regions == null ? null : [...given.regions],
  create_spacing_ms: given?.create_spacing_ms ?? 0,
});

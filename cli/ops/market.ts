import { z } from 'zod';
import { canonicalGpu, canonicalRegion } from '#shared/domain/aliases.ts';
import { describeIssues } from '#shared/domain/events/codec.ts';
import type { Offer } from '#shared/domain/offer.ts';
import {
  DEPLOYER_PREFIX,
  type DeployerReport,
  deployerReport,
  PROVIDERS_OBJECT,
  type ProviderReport,
  providersSnapshot,
} from '#shared/domain/provider-report.ts';
import { RejectedError } from '#shared/errors.ts';
import type { Objects } from '#shared/ports/objects.ts';
import { GLOBAL_REGION } from '#shared/rules/offer-index.ts';
import { OFFERS_OBJECT, parseOffersSnapshot } from '#shared/serving/offers.ts';
import { operation } from './operation.ts';
import { noParams } from './params.ts';

export interface OffersNow {
  /** World time of the newest poll. */
  readonly observed_at: string;
  readonly total: number;
  /** Cheapest first. */
  readonly offers: readonly Offer[];
}

/** What the providers offer now, as route and score see it. */
export const listOffers = operation({
  name: 'offers.list',
  params: z.strictObject({
    gpu_type: z.string().nullable(),
    region: z.string().nullable(),
    provider: z.string().nullable(),
    limit: z.int().min(1).max(1_000),
  }),
  run: async ({ platform }, { gpu_type: gpu, region, provider, limit }): Promise<OffersNow> => {
    const stored = await (await platform.objects()).read(OFFERS_OBJECT);
    if (stored === null) throw new RejectedError('no_state', 'no offers have been collected here yet');
    const { observed_at, offers } = parseOffersSnapshot(stored.bytes);
    const wantedGpu = gpu === null ? null : canonicalGpu(gpu);
    const wantedRegion = region === null ? null : canonicalRegion(region);
    const found = offers.filter(
      (offer) =>
        (wantedGpu === null || offer.gpu_type === wantedGpu) &&
        (wantedRegion === null || offer.region === wantedRegion || offer.region === GLOBAL_REGION) &&
        (provider === null || offer.provider === provider),
    );
    const cheapestFirst = found.toSorted((a, b) => a.usd_per_gpu_hour - b.usd_per_gpu_hour);
    return { observed_at, total: found.length, offers: cheapestFirst.slice(0, limit) };
  },
});

export interface ProvidersNow {
  readonly observed_at: string;
  readonly providers: readonly (ProviderReport & { readonly deployer: DeployerReport | null })[];
}

/** How the providers do: what collect heard of them, and what deploy did. */
export const listProviders = operation({
  name: 'providers.list',
  params: noParams,
  run: async ({ platform }): Promise<ProvidersNow> => {
    const { observed_at, providers } = await reportsOf(await platform.objects());
    const entries = await (await platform.state()).list(DEPLOYER_PREFIX);
    const deployers = new Map(
      entries.flatMap(({ key, value }) => {
        const parsed = deployerReport.safeParse(value);
        return parsed.success ? [[key.slice(DEPLOYER_PREFIX.length), parsed.data] as const] : [];
      }),
    );
    return {
      observed_at,
      providers: providers.map((report) => ({ ...report, deployer: deployers.get(report.provider) ?? null })),
    };
  },
});

async function reportsOf(objects: Objects): Promise<z.output<typeof providersSnapshot>> {
  const stored = await objects.read(PROVIDERS_OBJECT);
  if (stored === null) throw new RejectedError('no_state', 'no provider has been polled here yet');
  const parsed = providersSnapshot.safeParse(JSON.parse(new TextDecoder().decode(stored.bytes)));
  if (parsed.success) return parsed.data;
  throw new RejectedError('object_damaged', `${PROVIDERS_OBJECT}: ${describeIssues(parsed.error.issues)}`);
}

/** What Akash's Console API answers, as far as it is read. Unknown fields pass. */
import { z } from 'zod';
import { RejectedError } from '#shared/errors.ts';
import type { Answer } from '../answer.ts';
import type { ProviderCall } from '../client.ts';
import { reasonOf } from '../refusal.ts';

/** The chain writes large and fractional numbers as text. */
const decimal = z.union([z.string().regex(/^\d{1,30}(\.\d{1,30})?$/, 'expected a decimal'), z.number().min(0)]);
const amount = decimal.transform(Number);
/** Of a block; 0: none yet. What is no height (a time, say) is as good as nothing. */
const height = z
  .union([z.string().regex(/^\d{1,15}$/), z.int().min(0)])
  .transform(Number)
  .nullish()
  .catch(null);
/** A deployment's name: a whole number that may be larger than JavaScript's. */
const dseq = z.union([z.string().regex(/^\d{1,20}$/, 'expected digits'), z.int().min(1)]).transform(String);
const owner = z.string().regex(/^akash1[0-9a-z]{38,58}$/, 'expected an address on Akash');

const price = z.object({ denom: z.string(), amount });
export type Price = z.output<typeof price>;

const provider = z.object({
  owner,
  isOnline: z.boolean(),
  /** Shares of the time, 0..1. */
  uptime7d: z.number().nullish(),
  uptime30d: z.number().nullish(),
  locationRegion: z.string().nullish(),
  /** State or province. */
  ipRegion: z.string().nullish(),
  ipCountryCode: z.string().nullish(),
  gpuModels: z.array(
    z.object({ vendor: z.string(), model: z.string(), ram: z.string().nullish(), interface: z.string().nullish() }),
  ),
});
export type AkashSeller = z.output<typeof provider>;
export const providersAnswer = z.array(provider);

const usd = z.number().min(0).nullish();
const pricedModel = z.object({
  vendor: z.string(),
  model: z.string(),
  /** "80Gi". */
  ram: z.string().nullish(),
  interface: z.string().nullish(),
  /** GPUs of the whole network. */
  availability: z.object({ total: z.number(), available: z.number() }),
  /** Per hour, for one GPU: of what was bid in the last weeks. */
  price: z.object({ currency: z.string(), med: usd, weightedAverage: usd, avg: usd }).nullable(),
});
export type PricedModel = z.output<typeof pricedModel>;
export const pricesAnswer = z.object({ models: z.array(pricedModel) });

export const createAnswer = z.object({ data: z.object({ dseq, manifest: z.string().min(1) }) });

const bid = z.object({
  id: z.object({ dseq, gseq: z.int(), oseq: z.int(), provider: z.string() }),
  state: z.string(),
  price,
});
export type Bid = z.output<typeof bid>;
export const bidsAnswer = z.object({ data: z.array(z.object({ bid })) });

const port = z.int().min(1).max(65_535);
/** Providers write what they have nothing of as null. */
const byService = <T>(schema: z.ZodType<T>) => z.record(z.string(), schema).nullish();
const leaseStatus = z.object({
  services: byService(
    z.object({
      total: z.number().nullish(),
      available: z.number().nullish(),
      available_replicas: z.number().nullish(),
      uris: z.array(z.string()).nullish(),
    }),
  ),
  forwarded_ports: byService(z.array(z.object({ host: z.string().nullish(), externalPort: port }))),
  ips: byService(z.array(z.object({ IP: z.string(), ExternalPort: port }))),
});
export type LeaseStatus = z.output<typeof leaseStatus>;

const lease = z.object({
  id: z.object({ dseq, gseq: z.int(), oseq: z.int(), provider: z.string() }),
  /** active, reclaiming, insufficient_funds, closed; others may come. */
  state: z.string(),
  price,
  /** A number, its text, or its name. */
  reason: z.union([z.string(), z.number()]).nullish(),
  created_at: height,
  closed_on: height,
  /** Its provider's own word; the list has none. One that cannot be read is none: no provider of many may spoil the rest. */
  status: leaseStatus.nullish().catch(null),
});
export type Lease = z.output<typeof lease>;

const deployment = z
  .object({
    deployment: z.object({ id: z.object({ dseq }), state: z.string() }),
    leases: z.array(lease),
    /** What was sent, where the Console has kept it. */
    consoleSettings: z.object({ sdl: z.string() }).nullish().catch(null),
  })
  .transform(({ deployment: { id, state }, leases, consoleSettings }) => ({
    dseq: id.dseq,
    state,
    leases,
    sdl: consoleSettings?.sdl ?? null,
  }));
export type Deployment = z.output<typeof deployment>;

export const deploymentAnswer = z.object({ data: deployment });
export const listAnswer = z.object({
  data: z.object({ deployments: z.array(deployment), pagination: z.object({ hasMore: z.boolean() }) }),
});
export const closeAnswer = z.object({ data: z.object({ success: z.literal(true) }) });

const CHAIN_SAYS = [
  [/insufficient funds/i, 'provider_funds'],
  [/deployment closed|no longer open/i, 'offer_gone'],
] as const;

/** What the chain refuses comes as 400, and only its words tell one reason from another. */
export function akashRefusal(answer: Answer): ReturnType<NonNullable<ProviderCall<unknown>['refusal']>> {
  if (answer.status !== 400) return null;
  const reason = reasonOf(answer);
  const found = CHAIN_SAYS.find(([words]) => words.test(reason));
  return found === undefined ? null : new RejectedError(found[1], `${answer.what}: 400 ${reason}`);
}

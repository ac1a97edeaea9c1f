/** The calls of Akash's Console API, one each. */
import type { z } from 'zod';
import type { ProviderCall } from '../client.ts';
import {
  akashRefusal,
  type Bid,
  bidsAnswer,
  closeAnswer,
  createAnswer,
  deploymentAnswer,
  listAnswer,
  pricesAnswer,
  providersAnswer,
} from './wire.ts';

/**
 * World milliseconds between two calls of an endpoint with one key. The API names none; these are together at most 260 calls a
 * minute with the key and 24 that need none, less than its makers have spoken of as limits (300 and 60).
 */
export const SPACING_MS = {
  providers: 5_000,
  prices: 5_000,
  create: 3_000,
  bids: 3_000,
  lease: 3_000,
  list: 1_000,
  deployment: 600,
  close: 1_500,
} as const;

/** 1 KB each. */
export const PAGE_SIZE = 200;
/** A few hundred providers of 4 KB. */
const PROVIDERS_BYTES = 8 * 1024 * 1024;

type Call<S extends z.ZodType> = ProviderCall<z.output<S>>;

export const providers: Call<typeof providersAnswer> = {
  operation: 'providers',
  endpoint: 'providers',
  method: 'GET',
  path: '/v1/providers',
  answer: providersAnswer,
  repeat: 'safe',
  maxBytes: PROVIDERS_BYTES,
};

export const prices: Call<typeof pricesAnswer> = {
  operation: 'prices',
  endpoint: 'prices',
  method: 'GET',
  path: '/v1/gpu-prices',
  answer: pricesAnswer,
  repeat: 'safe',
};

/** `deposit`: USD, held in escrow until it is closed; the rest comes back. */
export const create = (sdl: string, deposit: number): Call<typeof createAnswer> => ({
  operation: 'create',
  endpoint: 'create',
  method: 'POST',
  path: '/v1/deployments',
  body: { data: { sdl, deposit } },
  answer: createAnswer,
  repeat: 'never',
  refusal: akashRefusal,
});

export const bids = (dseq: string): Call<typeof bidsAnswer> => ({
  operation: 'bids',
  endpoint: 'bids',
  method: 'GET',
  path: '/v1/bids',
  query: { dseq },
  answer: bidsAnswer,
  repeat: 'safe',
  refusal: akashRefusal,
});

/** Repeating it does no harm: where the lease exists already, only the manifest goes to the provider again. */
export const lease = (manifest: string, { id }: Bid): Call<typeof deploymentAnswer> => ({
  operation: 'lease',
  endpoint: 'lease',
  method: 'POST',
  path: '/v1/leases',
  body: { manifest, leases: [{ dseq: id.dseq, gseq: id.gseq, oseq: id.oseq, provider: id.provider }] },
  answer: deploymentAnswer,
  repeat: 'safe',
  refusal: akashRefusal,
});

/** A page of those that are open. */
export const list = (page: { readonly skip: number; readonly limit: number }): Call<typeof listAnswer> => ({
  operation: 'list',
  endpoint: 'list',
  method: 'GET',
  path: '/v1/deployments',
  query: { skip: String(page.skip), limit: String(page.limit), state: 'active' },
  answer: listAnswer,
  repeat: 'safe',
  refusal: akashRefusal,
});

/** One, with what its provider says of it: asked there and then, it takes some seconds. */
export const deployment = (dseq: string): Call<typeof deploymentAnswer> => ({
  operation: 'deployment',
  endpoint: 'deployment',
  method: 'GET',
  path: `/v1/deployments/${dseq}`,
  answer: deploymentAnswer,
  repeat: 'safe',
  refusal: akashRefusal,
});

export const close = (dseq: string): Call<typeof closeAnswer> => ({
  operation: 'close',
  endpoint: 'close',
  method: 'DELETE',
  path: `/v1/deployments/${dseq}`,
  answer: closeAnswer,
  repeat: 'safe',
  refusal: akashRefusal,
});

/** The calls of Vast's API, one each. Paths end with a slash: without it some are other routes. */
import type { z } from 'zod';
import type { ProviderCall } from '../client.ts';
import type { DeploySpec } from '../provider.ts';
import { workloadEnv } from '../workload-env.ts';
import { createAnswer, doneAnswer, instanceAnswer, listAnswer, logsAnswer, searchAnswer, vastRefusal } from './wire.ts';

/** World milliseconds between two calls of an endpoint with one key. */
export const SPACING_MS = {
  bundles: 6_000,
  create: 4_500,
  get: 2_000,
  list: 1_000,
  state: 1_000,
  destroy: 3_000,
} as const;

/** GB: an image and what it writes. */
const DISK_GB = 32;
/** Asks of one search: 3 KB each. */
const SEARCH_LIMIT = 1_000;
const SEARCH_BYTES = 8 * 1024 * 1024;
const LOG_LINES = '2000';
/** The most that Vast gives. */
const PAGE_SIZE = 25;

type Call<S extends z.ZodType> = ProviderCall<z.output<S>>;

export const search: Call<typeof searchAnswer> = {
  operation: 'search',
  endpoint: 'bundles',
  method: 'POST',
  path: '/api/v0/bundles/',
  // Everything that is for sale: a narrower question would make an empty answer possible, which nobody could tell from a broken one.
  body: {
    verified: { eq: true },
    external: { eq: false },
    rentable: { eq: true },
    rented: { eq: false },
    type: 'on-demand',
    order: [['score', 'desc']],
    limit: SEARCH_LIMIT,
    allocated_storage: DISK_GB,
  },
  answer: searchAnswer,
  repeat: 'safe',
  refusal: vastRefusal,
  maxBytes: SEARCH_BYTES,
};

/** On demand: no `price`. */
export const create = (
  askId: string,
  label: string,
  requestId: string,
  spec: DeploySpec,
): Call<typeof createAnswer> => ({
  operation: 'create',
  endpoint: 'create',
  method: 'PUT',
  path: `/api/v0/asks/${askId}/`,
  body: {
    client_id: 'me',
    image: spec.image,
    disk: DISK_GB,
    label,
    runtype: 'args',
    cancel_unavail: true,
    env: { ...workloadEnv(spec, requestId), [`-p ${spec.port}:${spec.port}`]: '1' },
  },
  answer: createAnswer,
  repeat: 'never',
  refusal: vastRefusal,
  missing: 'offer_gone',
});

/** A page, of one label if one is given. The filter saves pages; whoever calls compares the label again. */
export const list = (page: {
  readonly label?: string;
  readonly after?: string;
  readonly limit?: number;
}): Call<typeof listAnswer> => ({
  operation: 'list',
  endpoint: 'list',
  method: 'GET',
  path: '/api/v1/instances/',
  query: {
    limit: String(page.limit ?? PAGE_SIZE),
    ...(page.label === undefined ? {} : { select_filters: JSON.stringify({ label: { eq: page.label } }) }),
    ...(page.after === undefined ? {} : { after_token: page.after }),
  },
  answer: listAnswer,
  repeat: 'safe',
  refusal: vastRefusal,
});

export const get = (id: string): Call<typeof instanceAnswer> => ({
  operation: 'get',
  endpoint: 'get',
  method: 'GET',
  path: `/api/v0/instances/${id}/`,
  answer: instanceAnswer,
  repeat: 'safe',
  refusal: vastRefusal,
});

export const destroy = (id: string): Call<typeof doneAnswer> => ({
  operation: 'destroy',
  endpoint: 'destroy',
  method: 'DELETE',
  path: `/api/v0/instances/${id}/`,
  answer: doneAnswer,
  repeat: 'safe',
  refusal: vastRefusal,
});

/** Has the host put the last lines somewhere; the answer says where. */
export const requestLogs = (id: string): Call<typeof logsAnswer> => ({
  operation: 'logs',
  endpoint: 'state',
  method: 'PUT',
  path: `/api/v0/instances/request_logs/${id}/`,
  body: { tail: LOG_LINES },
  answer: logsAnswer,
  repeat: 'safe',
  refusal: vastRefusal,
});

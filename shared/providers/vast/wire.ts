/** What Vast answers, as far as it is read. Unknown fields pass. */
import { z } from 'zod';
import { RejectedError, TransientError } from '#shared/errors.ts';
import type { Answer } from '../answer.ts';
import type { ProviderCall } from '../client.ts';
import { reasonOf } from '../refusal.ts';

/** Far above any price, size and time of this world: figures that can be multiplied. */
const usd = z.number().min(0).max(1e6);
const MAX_GPUS = 1_024;
const MAX_SECONDS = 1e10;
/** End of the year 9999, epoch seconds. */
const LAST_SECOND = 253_402_300_799;

/** Something for sale, as a whole. */
const ask = z.object({
  id: z.int().min(1),
  machine_id: z.int().nullish(),
  gpu_name: z.string().min(1).max(128),
  num_gpus: z.int().min(1).max(MAX_GPUS),
  /** MB of each GPU. */
  gpu_ram: z.number().nullish(),
  /** USD per hour for the whole, the storage that was asked for included. */
  dph_total: usd.gt(0),
  geolocation: z.string().nullish(),
  /** 0..1. */
  reliability2: z.number().nullish(),
  /** Seconds for which it can be rented. */
  duration: z.number().min(0).max(MAX_SECONDS).nullish(),
  rentable: z.boolean().nullish(),
  rented: z.boolean().nullish(),
});
export type Ask = z.output<typeof ask>;
export const searchAnswer = z.object({ offers: z.array(ask) });

export const createAnswer = z.object({ success: z.literal(true), new_contract: z.int().min(1) });

const instance = z.object({
  id: z.int().min(1),
  label: z.string().nullish(),
  /** One that nobody knows says nothing (status.ts); refused, it would hide every other instance of the key. */
  actual_status: z.string().max(64).nullish(),
  /** What Vast wants it to be; we never ask it to stop. */
  intended_status: z.string().nullish(),
  /** Of the contract; `unloaded`: destroyed. */
  cur_state: z.string().nullish(),
  status_msg: z.string().nullish(),
  num_gpus: z.int().min(1).max(MAX_GPUS).nullish(),
  /** USD per hour: of the GPUs, and with storage. */
  dph_base: usd.nullish(),
  dph_total: usd.nullish(),
  /** USD per GB and month. */
  storage_cost: usd.nullish(),
  /** GB. */
  disk_space: z.number().min(0).max(1e9).nullish(),
  /** Epoch seconds. */
  start_date: z.number().min(0).max(LAST_SECOND).nullish(),
  uptime_mins: z.number().min(0).max(MAX_SECONDS).nullish(),
  public_ipaddr: z.string().nullish(),
  /** Its host's own word: one that cannot be read is none, and spoils no list. */
  ports: z
    .record(z.string(), z.array(z.object({ HostPort: z.coerce.number().int().min(1).max(65_535) })).nullish())
    .nullish()
    .catch(null),
});
export type VastInstance = z.output<typeof instance>;

export const listAnswer = z.object({ instances: z.array(instance), next_token: z.string().nullish() });
export const instanceAnswer = z.object({ instances: instance.nullable() });
/** Of the two names that its clients read. */
export const logsAnswer = z
  .object({
    result_url: z.url({ protocol: /^https?$/ }).nullish(),
    temp_download_url: z.url({ protocol: /^https?$/ }).nullish(),
  })
  .transform(({ result_url, temp_download_url }) => result_url ?? temp_download_url ?? null);
export const doneAnswer = z.object({ success: z.literal(true) });

const said = z.object({ success: z.boolean().optional(), error: z.string().nullish().catch(null) });

/** Vast also says no with status 200, and says of a route that is gone that it is, where a list would be expected. */
export function vastRefusal(answer: Answer): ReturnType<NonNullable<ProviderCall<unknown>['refusal']>> {
  const parsed = said.safeParse(answer.json);
  if (!parsed.success) return null;
  const { success, error } = parsed.data;
  const message = `${answer.what}: ${answer.status} ${error ?? ''} ${reasonOf(answer)}`;
  if (error === 'deprecated_endpoint') return new TransientError('provider_answer_invalid', message);
  if (error === 'insufficient_credit') return new RejectedError('provider_funds', message);
  if (success !== false || answer.status >= 300) return null;
  if (error === 'no_such_ask') return new RejectedError('offer_gone', message);
  if (error === 'auth_error') return new RejectedError('provider_unauthorized', message);
  return new TransientError('provider_answer_invalid', message);
}

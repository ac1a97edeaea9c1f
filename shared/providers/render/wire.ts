/** What the Dispersed API answers, as far as it is read, in the names of its reference. Unknown fields pass. */
import { z } from 'zod';
import { RejectedError } from '#shared/errors.ts';
import type { Answer } from '../answer.ts';
import type { ProviderCall } from '../client.ts';
import { reasonOf } from '../refusal.ts';

/** Far above any price and size of this world: figures that can be multiplied. */
const MAX_USD = 1e6;
const MAX_GPUS = 1_024;
const MAX_GIB = 1e6;
/** End of the year 9999, epoch milliseconds. */
const LAST_MS = 253_402_300_799_999;

/** Half characters can be in no URL. */
const text = z
  .string()
  .min(1)
  .max(128)
  .refine((given) => given.isWellFormed(), 'expected whole characters');
const id = z.string().regex(/^[0-9A-Za-z-]{1,64}$/, 'expected an id');
/** Null: no instant. A date without a time, which older answers hold, is none. */
const moment = z.iso
  .datetime({ offset: true })
  .transform((given) => Date.parse(given))
  .nullish()
  .catch(null);
const epochMs = z.number().min(0).max(LAST_MS).nullish();
/** Names come and go; what is not known is not final (status.ts). */
const status = z.string().min(1).max(64);

/** A list, by pages from 1 on. */
const page = <T extends z.ZodType>(item: T) =>
  z.object({
    data: z.array(item),
    /** Of all pages. */
    total: z.int().min(0).nullish(),
    limit: z.int().min(1).nullish(),
  });

/** A node that is free, sold as a whole: who wants one GPU of six pays for six. */
const node = z.object({
  hardware_summary: z.object({
    /** 0: it computes without. */
    gpu_count: z.int().min(0).max(MAX_GPUS),
    gpu_models: z
      .array(
        z.object({
          name: text,
          gpu_registry_uuid: id.nullish(),
          min_vram_gib: z.number().min(0).max(MAX_GIB).nullish(),
        }),
      )
      .max(MAX_GPUS),
  }),
  /** USD per hour of the node. */
  pricing: z.object({ hourly_rate_usd: z.number().gt(0).max(MAX_USD) }),
  /** As clouds name theirs: "us-west-2". */
  region_code: text.nullish(),
});
export type Node = z.output<typeof node>;
export const nodesAnswer = page(node);

const job = z.object({
  uuid: id,
  title: z.string().nullish(),
  status,
  status_reason: z.string().nullish(),
  created_at: moment,
  completed_at: moment,
  /** As it was asked for. */
  parameters: z
    .object({ parameters: z.object({ ports: z.array(z.int()).nullish() }) })
    .nullish()
    .catch(null),
});
export type Job = z.output<typeof job>;
export const jobAnswer = job;
export const jobsAnswer = page(job);
export const createdAnswer = z.object({ uuid: id });

/** One execution of a job. Loose: given.ts reads more of it. */
const run = z.looseObject({
  uuid: id,
  job_uuid: id.nullish(),
  job_snapshot: z.object({ uuid: id.nullish() }).nullish(),
  status,
  status_reason: z.string().nullish(),
  /** Of the run, which the preparation of its node belongs to. */
  started_at_ms: epochMs,
  ended_at_ms: epochMs,
  /** Its node's own word: one that cannot be read is none, and spoils no list. */
  node_urls: z
    .array(
      z.object({
        /** "ssh", or the container's port. */
        description: z.coerce.string().nullish(),
        hostname: z.string().nullish(),
        port: z.coerce.number().int().min(1).max(65_535).nullish(),
        tls: z.boolean().nullish(),
      }),
    )
    .nullish()
    .catch(null),
});
export type Run = z.output<typeof run>;
export const runsAnswer = page(run);

const line = z.union([z.string(), z.looseObject({}).transform((value) => JSON.stringify(value))]);
/** With what its container has written, in one text or in lines. */
export const runAnswer = z.object({
  logs: z.union([z.string(), z.array(line).transform((lines) => lines.map((one) => `${one}\n`).join(''))]).nullish(),
});

const said = z.object({ error: z.object({ code: z.coerce.string().transform((code) => code.toUpperCase()) }) });

/** Codes that say more than their status. They are not published as a list; here are all that are known or to be expected. */
const NO_CAPACITY =
  /^(NO_(CAPACITY|NODES?|NODES?_AVAILABLE|GPUS?_AVAILABLE)|(NODE|GPU|CAPACITY|RESOURCES?)_UNAVAILABLE|INSUFFICIENT_CAPACITY|GPU_NOT_FOUND|(COMPUTE_)?OFFER_(EXPIRED|GONE|NOT_FOUND|UNAVAILABLE))$/;
const NO_MONEY =
  /^(PAYMENT_REQUIRED|AUTHORIZATION_DECLINED|INSUFFICIENT_(CREDITS?|FUNDS|BALANCE)|CREDITS?_(EXHAUSTED|REQUIRED))$/;

const refusalOf = (offerGone: boolean) => (answer: Answer) => {
  const code = answer.status < 400 ? undefined : said.safeParse(answer.json).data?.error.code;
  if (code === undefined) return null;
  const message = `${answer.what}: ${answer.status} ${code} ${reasonOf(answer)}`;
  if (NO_MONEY.test(code)) return new RejectedError('provider_funds', message);
  return offerGone && NO_CAPACITY.test(code) ? new RejectedError('offer_gone', message) : null;
};

type Refusal = NonNullable<ProviderCall<unknown>['refusal']>;
export const renderRefusal: Refusal = refusalOf(false);
/** Of a creation. */
export const creationRefusal: Refusal = refusalOf(true);

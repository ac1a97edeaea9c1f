import { z } from 'zod';
import { endOf, type Instance } from '../../market/instance.ts';
import type { Doors } from '../kit/doors.ts';
import { type Held, jsonText } from '../kit/holdings.ts';

/** What Akash remembers of a lease. */
export const note = z.object({
  dseq: z.string(),
  label: z.string(),
  /** Address of its provider. */
  owner: z.string(),
  /** What was sent; null: the Console keeps none. */
  sdl: z.string().nullable(),
  as: z.number(),
  /** USD in escrow. */
  deposit_usd: z.number(),
  /** Its provider has got the manifest. */
  delivered: z.boolean(),
  /** Closed then for that reason, whatever the market says. World epoch milliseconds. */
  closes: z.object({ at_ms: z.number(), reason: z.number() }).nullable(),
});
export type Note = z.infer<typeof note>;
export type HeldAtAkash = Held<Note>;

const noteText = jsonText.pipe(z.object({ dseq: z.string() }));
/** The id of a deployment was given before it had a lease: it is in the note. */
export function dseqOf({ note: text, instance_id }: Instance): string {
  const parsed = noteText.safeParse(text);
  return parsed.success ? parsed.data.dseq : instance_id;
}

/** A block takes six seconds, and 600 make an hour. */
const BLOCK_MS = 6_000;
const BLOCKS_PER_HOUR = 600;
export const uactOf = (usdAnHour: number): number => (usdAnHour * 1e6) / BLOCKS_PER_HOUR;
const heightOf = (ms: number): number => Math.floor(ms / BLOCK_MS);
/** As the chain writes numbers. */
export const decimal = (value: number): string => value.toFixed(12);

/** One of each class of reasons; of a provider's, one says that it did not get ready. */
export const REASON = { owner: 1, unstable: 10_000, decommission: 10_001, manifest: 10_003, funds: 20_000 } as const;

const usdAnHour = ({ instance: { fate, gpu_count } }: HeldAtAkash): number => fate.usd_per_gpu_hour * gpu_count;

/** When its lease ends and why, as far as that is fixed: of all that can end it, what comes first. */
function endingOf(held: HeldAtAkash): { readonly at_ms: number; readonly reason: number } {
  const { instance, note: given } = held;
  const dryMs = instance.created_ms + (given.deposit_usd / usdAnHour(held)) * 3_600_000;
  const ends = [
    { at_ms: endOf(instance), reason: reasonOf(instance) },
    { at_ms: dryMs, reason: REASON.funds },
    ...(given.closes === null ? [] : [given.closes]),
    ...(given.delivered ? [] : [{ at_ms: instance.created_ms + MANIFEST_WAIT_MS, reason: REASON.manifest }]),
  ];
  return ends.reduce((first, one) => (one.at_ms < first.at_ms ? one : first));
}

/** How long a provider waits for a manifest. */
const MANIFEST_WAIT_MS = 5 * 60_000;

function reasonOf({ fate, cancelled_ms }: Instance): number {
  if (cancelled_ms !== null || fate.state === 'completed') return REASON.owner;
  switch (fate.blame) {
    case 'tenant':
      return REASON.owner;
    case 'network':
      return REASON.funds;
    default:
      return fate.state === 'failed_to_start' ? REASON.unstable : REASON.decommission;
  }
}

/** Until when it is billed, at `nowMs`; and whether that was its end. */
function spanOf(held: HeldAtAkash, nowMs: number): { readonly toMs: number; readonly over: boolean } {
  const endMs = Math.min(endingOf(held).at_ms, held.instance.released_ms ?? Number.POSITIVE_INFINITY);
  return { toMs: Math.min(nowMs, endMs), over: nowMs >= endMs };
}

/** A deployment with its lease, as the detail shows it; the list leaves `status` out. */
export function leasedAt(held: HeldAtAkash, nowMs: number, doors: Doors | null): Readonly<Record<string, unknown>> {
  const { instance, note: given } = held;
  const { toMs, over } = spanOf(held, nowMs);
  const amount = uactOf(usdAnHour(held));
  return {
    id: { owner: 'akash1tenant', dseq: given.dseq, gseq: 1, oseq: 1, provider: given.owner, bseq: 0 },
    state: over ? 'closed' : 'active',
    // What the market charges, whatever was bid: the deviation of this world shows here.
    price: { denom: 'uact', amount: decimal(amount) },
    created_at: String(heightOf(instance.created_ms)),
    closed_on: over ? String(heightOf(toMs)) : '0',
    ...(over ? { reason: String(endingOf(held).reason) } : {}),
    ...(doors === null ? {} : { status: over ? null : statusAt(held, nowMs, doors) }),
  };
}

/** What its provider tells the Console. */
function statusAt({ instance, note: given }: HeldAtAkash, nowMs: number, doors: Doors): unknown {
  const { fate } = instance;
  if (!given.delivered) return { services: null, forwarded_ports: null, ips: null };
  const ready = fate.ready_ms !== null && nowMs >= fate.ready_ms;
  const port = doors.port(fate.latency_ms);
  const web = given.as === 80;
  const count = ready ? 1 : 0;
  return {
    services: {
      [given.label]: {
        name: given.label,
        available: count,
        total: 1,
        uris: web && port !== null ? [`127.0.0.1:${port}`] : [],
        observed_generation: 1,
        replicas: 1,
        updated_replicas: 1,
        ready_replicas: count,
        available_replicas: count,
      },
    },
    forwarded_ports:
      web || port === null ? {} : { [given.label]: [{ port: given.as, externalPort: port, host: '127.0.0.1' }] },
    ips: null,
  };
}

/** USD until now: each block from the lease to its end. */
export function costOf(held: HeldAtAkash, nowMs: number): number {
  const { toMs } = spanOf(held, nowMs);
  const blocks = heightOf(toMs) - heightOf(held.instance.created_ms);
  return (Math.max(0, blocks) * usdAnHour(held)) / BLOCKS_PER_HOUR;
}

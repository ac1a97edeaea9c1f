import { AuroraError, RejectedError, TransientError } from '#shared/errors.ts';
import type { HostClock, WorldClock } from '#shared/ports/clock.ts';
import type { ProviderClient } from '../client.ts';
import { foundAfter, mayHaveHappened, whileThere } from '../creation.ts';
import type { Labels } from '../labels.ts';
import type { CallContext, DeployContext, DeploySpec, OfferToDeploy } from '../provider.ts';
import { awaitBid } from './bids.ts';
import type { AkashBook } from './book.ts';
import { create, lease } from './calls.ts';
import { isDearer, uactPerBlock, usdPerHour } from './money.ts';
import { type Place, placeOf } from './offers.ts';
import { sdlOf } from './sdl.ts';
import { isLeased, leaseOf } from './status.ts';
import type { Bid, Deployment } from './wire.ts';

export interface DeployTools {
  readonly client: ProviderClient;
  readonly book: AkashBook;
  readonly labels: Labels;
  readonly hostClock: HostClock;
  readonly worldClock: WorldClock;
  readonly aktUsd: number | null;
}

/** World milliseconds in which providers bid, as the vendor says. */
const BID_WINDOW_MS = 30_000;
/** A block for the order and one for the bid: with less there is no use in asking. World milliseconds. */
const LEAST_BID_WINDOW_MS = 12_000;
/** Of the caller's time, from its end: for the lease and, within that, for closing what came to nothing. Host milliseconds at most. */
const LEASE_RESERVE = { share: 1 / 3, maxMs: 15_000 };
const CLOSE_RESERVE = { share: 1 / 6, maxMs: 5_000 };
/**
 * A bid of twice what is usual says that it is not wanted, however much the caller would pay. Escrow is as deep as the limit: a careless
 * one would ask for more than the account has, and be taken for an account without money.
 */
const LIMIT_FACTOR = 2;
/** USD: the most that the chain has ever wanted to see. */
const MIN_DEPOSIT_USD = 5;
/** Hours beyond the run that escrow lasts: what runs dry is closed by the network. Its start is billed, and a minute of overtime. */
const SPARE_HOURS = 1;

/**
 * A lease under the request's label, made at most once. States: looked for -> there | created -> bid for -> leased; from created
 * and bid for also -> closed. What a kill or a lost answer leaves without a lease, the next call closes; what it leaves with one,
 * the next call finds by the name of its service.
 */
export function akashDeploy({ client, book, labels, hostClock, worldClock, aktUsd }: DeployTools) {
  const { memory } = book;
  /** `from` before the caller's end. */
  const until = ({ deadline }: CallContext, { share, maxMs }: typeof LEASE_RESERVE): number =>
    deadline - Math.min(maxMs, Math.max(0, deadline - hostClock.now()) * share);

  /** The oldest that lives under the label. Whatever else was left behind is closed, for one request pays for one. */
  async function only(label: string, context: CallContext): Promise<Deployment | null> {
    const open = await book.open(context);
    const found = await book.labelled(open, label, context);
    const [first = null, ...twins] = found.filter(book.lives);
    const ended = found.filter((one) => !book.lives(one) && one.leases.length > 0);
    const tidy = async (): Promise<void> => {
      for (const { dseq } of [...twins, ...ended]) await book.close(dseq, context);
      await book.sweep(open, 'mine', context);
    };
    await (first === null ? tidy() : whileThere(tidy()));
    return first;
  }

  /** @throws RejectedError offer_gone: it costs more than may be paid, and is closed again */
  async function admitted(deployment: Deployment, spec: DeploySpec, context: CallContext): Promise<string> {
    const limit = spec.max_usd_per_gpu_hour;
    const price = leaseOf(deployment)?.price;
    const usd = price === undefined ? null : usdPerHour(price, aktUsd);
    if (limit === null || usd === null || !isDearer(usd / spec.gpu_count, limit)) return deployment.dseq;
    await whileThere(book.close(deployment.dseq, context));
    throw tooDear(`lease of ${deployment.dseq}`, usd / spec.gpu_count, limit);
  }

  /** Its own error says more than that of a close: what stays open is closed by the next call. */
  async function undo(dseq: string, { deadline }: CallContext): Promise<void> {
    try {
      // Not given up with its caller: what was begun is ended, if there is time.
      await book.close(dseq, { deadline });
    } catch (error) {
      if (!(error instanceof AuroraError)) throw error;
      memory.note(dseq, { stage: 'forsaken' });
    }
  }

  async function created(sdl: string, depositUsd: number, label: string, context: CallContext) {
    try {
      const { data } = await client.ask(create(sdl, depositUsd), {
        ...context,
        deadline: until(context, LEASE_RESERVE),
      });
      return data;
    } catch (error) {
      // It may be there all the same, in escrow and open to bids.
      if (mayHaveHappened(error)) await foundAfter(only(label, { deadline: context.deadline }));
      // Too long a run for what the account holds says nothing of the next one.
      if (error instanceof RejectedError && error.code === 'provider_funds' && depositUsd > MIN_DEPOSIT_USD)
        throw new RejectedError('offer_gone', `${error.message} (asked for ${depositUsd} USD of escrow)`, {
          cause: error,
        });
      throw error;
    }
  }

  /** Whatever the call's answer says, the deployment knows whether it has a lease. */
  async function leased(dseq: string, manifest: string, bid: Bid, context: CallContext): Promise<Deployment> {
    try {
      const { data } = await client.ask(lease(manifest, bid), { ...context, deadline: until(context, CLOSE_RESERVE) });
      return data;
    } catch (error) {
      memory.note(dseq, { stage: 'forsaken' });
      const there = await whileThere(book.look(dseq, { deadline: context.deadline }));
      if (there !== null && isLeased(there)) return there;
      await undo(dseq, context);
      throw error;
    }
  }

  async function made(place: Place, offer: OfferToDeploy, spec: DeploySpec, context: DeployContext): Promise<string> {
    const label = labels.labelOf(context.requestId);
    const limitUsd = Math.min(
      spec.max_usd_per_gpu_hour ?? Number.POSITIVE_INFINITY,
      offer.usd_per_gpu_hour * LIMIT_FACTOR,
    );
    const usdAnHour = limitUsd * spec.gpu_count;
    const bidsUntil = until(context, LEASE_RESERVE);
    const leastMs = LEAST_BID_WINDOW_MS / worldClock.speed;
    const leftMs = bidsUntil - hostClock.now();
    if (leftMs < leastMs)
      throw new TransientError(
        'deadline_exceeded',
        `akash create: expected ${Math.ceil(leastMs)} ms for bids, ${Math.floor(leftMs)} ms are left`,
      );
    const maxUactPerBlock = uactPerBlock(usdAnHour);
    const sdl = sdlOf({ label, requestId: context.requestId, spec, card: place.card, maxUactPerBlock });
    const { dseq, manifest } = await created(sdl, depositUsd(usdAnHour, spec), label, context);
    memory.note(dseq, { label, gpuCount: spec.gpu_count, stage: 'begun' });
    const windowMs = BID_WINDOW_MS / worldClock.speed;
    const wanted = { dseq, windowMs, owner: place.owner, gpuCount: spec.gpu_count, limitUsd, aktUsd };
    let bid: Bid;
    try {
      await context.begun?.(dseq);
      bid = await awaitBid(client, hostClock, wanted, { ...context, deadline: bidsUntil });
    } catch (error) {
      await undo(dseq, context);
      throw error;
    }
    const there = await leased(dseq, manifest, bid, context);
    memory.note(dseq, { stage: 'leased' });
    return await admitted(there, spec, context);
  }

  return async (offer: OfferToDeploy, spec: DeploySpec, context: DeployContext): Promise<string> => {
    const there = await only(labels.labelOf(context.requestId), context);
    if (there !== null) return await admitted(there, spec, context);
    const place = placeOf(offer.offer_id);
    if (place === null) throw new RejectedError('offer_gone', `offer ${offer.offer_id}: akash sells no such offer`);
    const limit = spec.max_usd_per_gpu_hour;
    if (limit !== null && isDearer(offer.usd_per_gpu_hour, limit))
      throw tooDear(`offer ${offer.offer_id}`, offer.usd_per_gpu_hour, limit);
    return await made(place, offer, spec, context);
  };
}

/** In whole cents; what is not used comes back when it is closed. */
function depositUsd(usdAnHour: number, { gpu_hours, gpu_count }: DeploySpec): number {
  const usd = usdAnHour * (gpu_hours / gpu_count + SPARE_HOURS);
  return Math.max(MIN_DEPOSIT_USD, Math.ceil(usd * 100) / 100);
}

const tooDear = (what: string, usd: number, limit: number): RejectedError =>
  new RejectedError('offer_gone', `akash ${what}: expected at most ${limit} USD per GPU-hour, it costs ${usd}`);

import { AuroraError, RejectedError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { ProviderClient } from '../client.ts';
import type { CallContext } from '../provider.ts';
import { bids } from './calls.ts';
import { isDearer, usdPerHour } from './money.ts';
import type { Bid } from './wire.ts';

export interface Wanted {
  /** Address of the provider whose bid it must be: the offer was chosen for its region and its record. */
  readonly owner: string;
  readonly gpuCount: number;
  /** At most, USD per GPU-hour. */
  readonly limitUsd: number;
  /** USD of one AKT; null: not known. */
  readonly aktUsd: number | null;
}

/** Null: it has not bid yet. @throws RejectedError offer_gone: it has, and it is no bid that could be taken */
export function chosen(all: readonly Bid[], { owner, gpuCount, limitUsd, aktUsd }: Wanted): Bid | null {
  const own = all.filter(({ id }) => id.provider === owner);
  const [first] = own;
  if (first === undefined) return null;
  const priced = own
    .filter(({ state }) => state === 'open')
    .map((bid) => ({ bid, usd: usdPerHour(bid.price, aktUsd) }))
    .sort((a, b) => (a.usd ?? Number.POSITIVE_INFINITY) - (b.usd ?? Number.POSITIVE_INFINITY));
  const [best] = priced;
  if (best === undefined)
    throw new RejectedError('offer_gone', `akash bid of ${owner}: expected it to be open, it is ${first.state}`);
  if (best.usd === null)
    throw new RejectedError(
      'offer_gone',
      `akash bid of ${owner}: expected a price in uact, got ${best.bid.price.denom}, whose price in USD is not known here`,
    );
  const usd = best.usd / gpuCount;
  if (isDearer(usd, limitUsd))
    throw new RejectedError(
      'offer_gone',
      `akash bid of ${owner}: expected at most ${limitUsd} USD per GPU-hour, it asks ${usd}`,
    );
  return best.bid;
}

/** How often one looks at least before a provider is said not to bid: where the world runs fast, looks are few. */
const MIN_LOOKS = 5;

/**
 * The bid of the offer's own provider; looks at the pace of the endpoint.
 * @param windowMs host milliseconds in which it is to be expected
 * @throws RejectedError offer_gone: it does not bid in time, or not so that it could be taken
 */
export async function awaitBid(
  client: ProviderClient,
  hostClock: Pick<HostClock, 'now'>,
  { dseq, windowMs, ...wanted }: Wanted & { readonly dseq: string; readonly windowMs: number },
  context: CallContext,
): Promise<Bid> {
  const startedMs = hostClock.now();
  let looks = 0;
  while (looks < MIN_LOOKS || hostClock.now() - startedMs < windowMs) {
    let found: readonly { readonly bid: Bid }[];
    try {
      found = (await client.ask(bids(dseq), context)).data;
    } catch (error) {
      if (looks === 0 || !isOutOfTime(error)) throw error;
      break;
    }
    looks += 1;
    const bid = chosen(
      found.map((one) => one.bid),
      wanted,
    );
    if (bid !== null) return bid;
  }
  throw new RejectedError(
    'offer_gone',
    `akash deployment ${dseq}: ${wanted.owner} has not bid on it at ${looks} looks in ${Math.round(hostClock.now() - startedMs)} ms`,
  );
}

/** The next look would come too late. */
const isOutOfTime = (error: unknown): boolean =>
  error instanceof AuroraError && (error.code === 'provider_rate_limited' || error.code === 'deadline_exceeded');

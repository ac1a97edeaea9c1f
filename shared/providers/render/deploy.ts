import { RejectedError } from '#shared/errors.ts';
import type { ProviderClient } from '../client.ts';
import { foundAfter, mayHaveHappened, whileThere } from '../creation.ts';
import type { Labels } from '../labels.ts';
import type { CallContext, DeployContext, DeploySpec, OfferToDeploy } from '../provider.ts';
import type { RenderBook } from './book.ts';
import { create } from './calls.ts';
import { nodeUsdPerHour, type Pool } from './offers.ts';

const TWIN = 'a second job for one request';

/**
 * A job under the request's title, made at most once: looked for before its creation, and after one whose answer was lost.
 * States: looked for -> there | priced -> gone : created -> there.
 */
export function renderDeploy(
  client: ProviderClient,
  book: RenderBook,
  labels: Labels,
  pools: (context: CallContext) => Promise<readonly Pool[]>,
) {
  /** The oldest under the title; younger twins are ended, for one request pays for one. */
  async function only(title: string, context: DeployContext): Promise<string | null> {
    const { living, over } = await book.titled(title, context);
    const [first, ...twins] = living;
    for (const twin of twins) await whileThere(book.cancel(twin.uuid, TWIN, context));
    return (first ?? over)?.uuid ?? null;
  }

  /** As it is sold at this moment. @throws RejectedError offer_gone */
  async function priced({ offer_id: id }: OfferToDeploy, spec: DeploySpec, context: DeployContext): Promise<Pool> {
    const gone = (why: string): RejectedError => new RejectedError('offer_gone', `offer ${id.slice(0, 256)}: ${why}`);
    if (!id.startsWith('render:')) throw gone('render sells no such offer');
    const pool = (await pools(context)).find(({ offer }) => offer.offer_id === id);
    if (pool === undefined) throw gone('render has no such node free');
    const usd = nodeUsdPerHour(pool, spec.gpu_count);
    if (usd === null) throw gone(`render has no node of ${spec.gpu_count} GPUs free`);
    // Of the GPUs that were asked for: who gets more of them pays for more.
    const each = usd / spec.gpu_count;
    const limit = spec.max_usd_per_gpu_hour;
    if (limit !== null && each > limit) throw gone(`expected at most ${limit} USD per GPU-hour, it costs ${each}`);
    return pool;
  }

  return async (offer: OfferToDeploy, spec: DeploySpec, context: DeployContext): Promise<string> => {
    const { requestId } = context;
    const title = labels.labelOf(requestId);
    const there = await only(title, context);
    if (there !== null) return there;
    const { gpu, vramGib, regionCode } = await priced(offer, spec, context);
    try {
      const made = await client.ask(create({ title, requestId, spec, gpu, vramGib, regionCode }), context);
      return made.uuid;
    } catch (error) {
      // Whoever must try again comes later, through the look-up: a second creation on the heels of a lost answer pays twice.
      const made = mayHaveHappened(error) ? await foundAfter(only(title, context)) : null;
      if (made === null) throw error;
      return made;
    }
  };
}

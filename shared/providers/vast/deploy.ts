import { RejectedError } from '#shared/errors.ts';
import type { ProviderClient } from '../client.ts';
import { foundAfter, mayHaveHappened, whileThere } from '../creation.ts';
import type { Labels } from '../labels.ts';
import type { DeployContext, DeploySpec, OfferToDeploy } from '../provider.ts';
import type { VastBook } from './book.ts';
import { create, get } from './calls.ts';
import { askFor } from './offers.ts';
import type { VastInstance } from './wire.ts';

/**
 * An instance under the request's label, made at most once: looked for before its creation, and after one whose answer was lost.
 * States: looked for -> there | created -> dear? destroyed : there.
 */
export function vastDeploy(client: ProviderClient, book: VastBook, labels: Labels) {
  /** The oldest under the label; younger twins are ended, for one request pays for one. */
  async function only(label: string, context: DeployContext): Promise<VastInstance | null> {
    const [first, ...twins] = await book.instances(context, label);
    for (const twin of twins) await whileThere(book.destroy(String(twin.id), context));
    return first ?? null;
  }

  /** @throws RejectedError offer_gone: it costs more than may be paid, and is gone again */
  async function admitted(instance: VastInstance, spec: DeploySpec, context: DeployContext): Promise<string> {
    const id = String(instance.id);
    const limit = spec.max_usd_per_gpu_hour;
    // Of the GPUs that were asked for: who gets more of them pays for more.
    const usd = instance.dph_total == null ? null : instance.dph_total / spec.gpu_count;
    if (limit === null || usd === null || usd <= limit) return id;
    await whileThere(book.destroy(id, context));
    throw tooDear(`instance ${id}`, usd, limit);
  }

  /**
   * One creation a call. Who must try again comes later, through the look-up, when whatever Vast was about to make is on its list:
   * a second creation on the heels of a lost answer is how one pays twice.
   */
  async function made(askId: string, label: string, spec: DeploySpec, context: DeployContext): Promise<string> {
    let id: number;
    try {
      id = (await client.ask(create(askId, label, context.requestId, spec), context)).new_contract;
    } catch (error) {
      const there = mayHaveHappened(error) ? await foundAfter(only(label, context)) : null;
      if (there === null) throw error;
      return await admitted(there, spec, context);
    }
    return await paid(id, spec, context);
  }

  /** A price that matters is looked up before the instance counts. */
  async function paid(id: number, spec: DeploySpec, context: DeployContext): Promise<string> {
    if (spec.max_usd_per_gpu_hour === null) return String(id);
    const { instances: instance } = await whileThere(client.ask(get(String(id)), context));
    return instance === null ? String(id) : await admitted(instance, spec, context);
  }

  return async (offer: OfferToDeploy, spec: DeploySpec, context: DeployContext): Promise<string> => {
    const label = labels.labelOf(context.requestId);
    const there = await only(label, context);
    if (there !== null) return await admitted(there, spec, context);
    const askId = askFor(offer.offer_id, spec.gpu_count);
    if (askId === null)
      throw new RejectedError('offer_gone', `offer ${offer.offer_id}: vast sells no ${spec.gpu_count} GPUs under it`);
    const limit = spec.max_usd_per_gpu_hour;
    if (limit !== null && offer.usd_per_gpu_hour > limit)
      throw tooDear(`offer ${offer.offer_id}`, offer.usd_per_gpu_hour, limit);
    return await made(askId, label, spec, context);
  };
}

const tooDear = (what: string, usd: number, limit: number): RejectedError =>
  new RejectedError('offer_gone', `vast ${what}: expected at most ${limit} USD per GPU-hour, it costs ${usd}`);

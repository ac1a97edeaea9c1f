import { providerOffer } from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import type { OffersSnapshot } from '#shared/domain/offer.ts';
import { AuroraError, RejectedError } from '#shared/errors.ts';
import type { Bus } from '#shared/ports/bus.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import type { Objects } from '#shared/ports/objects.ts';
import type { Provider } from '#shared/providers/provider.ts';
import { codedError } from '#shared/runtime/answers.ts';
import { httpFunction, json, type RuntimeDeps } from '#shared/runtime/http-function.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { OFFERS_OBJECT, offersStaleLimitMs, parseOffersSnapshot } from '#shared/serving/offers.ts';
import { mergeOffers, type Polled } from './decide.ts';

export interface CollectDeps extends RuntimeDeps {
  readonly worldClock: WorldClock;
  readonly providers: readonly Provider[];
  readonly bus: Bus;
  readonly objects: Objects;
}

export function createCollect(deps: CollectDeps): FunctionApp {
  return httpFunction({
    name: 'collect',
    deps,
    routes: [
      {
        method: 'POST',
        path: '/run',
        handle: async (request) => json(200, await collect(deps, request.deadline, request.signal)),
      },
    ],
  });
}

/** Of the run's time, kept from the providers: a slow one must leave time to write what the others gave. */
const WRITE_RESERVE_MS = 2_000;

interface CollectReport {
  readonly offers: number;
  readonly changed: number;
  readonly refused: number;
  readonly failed_providers: readonly string[];
  readonly generation: string | null;
}

async function collect(deps: CollectDeps, deadline: number, signal: AbortSignal): Promise<CollectReport> {
  const { objects, bus, worldClock, log } = deps;
  const asked = deps.providers.map((provider) => poll(deps, provider, deadline - WRITE_RESERVE_MS, signal));
  const polled = await Promise.all(asked);
  const { previous, generation: seen } = await readSnapshot(objects, log);
  const { snapshot, changed, failed, refused } = mergeOffers({
    previous,
    polled,
    nowMs: worldClock.now(),
    staleLimitMs: offersStaleLimitMs(worldClock.speed),
  });
  const report = {
    offers: snapshot.offers.length,
    changed: changed.length,
    refused: refused.length,
    failed_providers: failed.map((answer) => answer.provider),
  };
  if (refused.length > 0)
    log.warn({ refused: refused.length, first: refused.slice(0, 3) }, 'offers that cannot be read are left out');
  // Everyone failed: the old snapshot keeps its age, which is the truth.
  if (failed.length === polled.length) return { ...report, generation: seen };

  if (changed.length > 0)
    await bus.publish(
      providerOffer.topic,
      changed.map((offer) => encodeEvent(providerOffer, offer)),
    );
  const bytes = new TextEncoder().encode(JSON.stringify(snapshot));
  try {
    const { generation } = await objects.write(OFFERS_OBJECT, bytes, { generationMatch: seen ?? '0' });
    return { ...report, generation };
  } catch (error) {
    // Another run was faster: its snapshot is as fresh as ours.
    if (error instanceof AuroraError && error.code === 'object_precondition_failed')
      return { ...report, generation: null };
    throw error;
  }
}

/** One adapter's failure, a bug in it included, must not take the others' offers away. */
async function poll({ log }: CollectDeps, provider: Provider, deadline: number, signal: AbortSignal): Promise<Polled> {
  try {
    return { provider: provider.id, offers: await provider.offers({}, { deadline, signal }), error: null };
  } catch (thrown) {
    const error = codedError(thrown);
    log.warn(
      { provider: provider.id, code: error.code, error: error.cause ?? error },
      'provider gave no offers; its last ones stay',
    );
    return { provider: provider.id, offers: null, error: `${error.code}: ${error.message}` };
  }
}

/** The last snapshot, null when there is none of use, and the generation that this run replaces. */
interface Seen {
  readonly previous: OffersSnapshot | null;
  readonly generation: string | null;
}

/** An unreadable snapshot is replaced by this run's; the offers of a provider that fails right now are lost with it. */
async function readSnapshot(objects: Objects, log: Log): Promise<Seen> {
  let generation: string | null = null;
  try {
    const stored = await objects.read(OFFERS_OBJECT);
    if (stored === null) return { previous: null, generation: null };
    generation = stored.generation;
    return { previous: parseOffersSnapshot(stored.bytes), generation };
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    log.error({ error: error.message }, 'the last offers snapshot cannot be read; it is replaced');
    // Damaged: the store names the generation, but gives no bytes.
    return { previous: null, generation: generation ?? String(error.details?.['generation']) };
  }
}

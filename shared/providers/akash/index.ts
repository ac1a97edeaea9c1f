/**
 * Akash: a market of bids, of many providers, each deployment with escrow of its own. In: the Console's REST API. Out: the provider
 * port. An instance is a deployment with a lease, its id the deployment's; it is found again by the name of its service, which only a
 * look at the deployment shows. Each block is billed from the lease to its end.
 */
import { rfc3339 } from '#shared/domain/primitives.ts';
import { RejectedError, TransientError } from '#shared/errors.ts';
import type { AdapterOptions } from '../adapter.ts';
import { createProviderClient } from '../client.ts';
import { unreadableList, wantedOffer } from '../offer-list.ts';
import { oneAtATime } from '../one-at-a-time.ts';
import type { Provider } from '../provider.ts';
import { akashBook } from './book.ts';
import { list, prices, providers, SPACING_MS } from './calls.ts';
import { akashDeploy } from './deploy.ts';
import { akashInstances } from './instances.ts';
import { serviceNames } from './names.ts';
import { offersOf } from './offers.ts';
import { statusOf } from './status.ts';

export interface AkashOptions extends AdapterOptions {
  /** USD of one AKT, for bids in that coin; null: not known, and none of them is taken. */
  readonly aktUsd: number | null;
}

/** Host milliseconds of one attempt: a transaction waits for its block, and a look for a provider somewhere; 10 s are usual. */
const ATTEMPT_MS = 20_000;
/** World milliseconds from a creation to its lease: one after the other, two blocks until there are bids. */
const DEPLOYING_MS = 15_000;

/** @throws RejectedError config_invalid: a fleet that is no mark */
export function akashProvider(options: AkashOptions): Provider {
  const { key, hostClock, worldClock, aktUsd } = options;
  const labels = serviceNames(options.fleet);
  const client = createProviderClient({
    ...options,
    provider: 'akash',
    attemptMs: options.attemptMs ?? ATTEMPT_MS,
    spacingMs: SPACING_MS,
    secrets: [key],
    authorize: () => ({ 'x-api-key': key }),
  });
  const book = akashBook(client, labels, hostClock);
  const deploy = akashDeploy({ client, book, labels, hostClock, worldClock, aktUsd });
  const oneByOne = oneAtATime<string>(hostClock);

  return {
    id: 'akash',
    capabilities: {
      interruptible: true,
      bids: true,
      regions: null,
      create_spacing_ms: DEPLOYING_MS / worldClock.speed,
    },
    async offers(filter, context) {
      const [sellers, { models }] = await Promise.all([
        client.ask(providers, context),
        client.ask(prices, context),
      ]).catch(unreadableList);
      const offers = offersOf(sellers, models, rfc3339(worldClock.now()));
      if (offers.length === 0)
        throw new TransientError(
          'offers_unreadable',
          `akash: expected providers with priced GPUs, got ${sellers.length} providers and ${models.length} models without any`,
        );
      return offers.filter((offer) => wantedOffer(offer, filter));
    },
    async deploy(offer, spec, context) {
      labels.labelOf(context.requestId);
      // All of them, not those of one request: what lies there without a lease is then nobody's that is still at work.
      return { instance_id: await oneByOne('akash deploy', context, () => deploy(offer, spec, context)) };
    },
    async find(requestId, context) {
      const found = await book.labelled(await book.open(context), labels.labelOf(requestId), context);
      return found.find(book.lives)?.dseq ?? null;
    },
    instances: akashInstances({ book, labels, hostClock, aktUsd }),
    async status(instanceId, context) {
      if (!INSTANCE_ID.test(instanceId)) return null;
      const deployment = await book.look(instanceId, context);
      return deployment === null ? null : statusOf(deployment, book.memory.get(instanceId), labels, aktUsd);
    },
    async logs(instanceId) {
      throw new RejectedError(
        'logs_unavailable',
        `akash deployment ${instanceId}: its provider keeps the log and gives it to who holds the account's certificate, not to its API key`,
      );
    },
    async terminate(instanceId, context) {
      if (INSTANCE_ID.test(instanceId)) await book.close(instanceId, context);
    },
    async health(context) {
      return { answered_ms: await client.time(list({ skip: 0, limit: 1 }), context) };
    },
    close: () => client.close(),
  };
}

const INSTANCE_ID = /^\d{1,20}$/;

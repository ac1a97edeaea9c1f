/**
 * Vast.ai: single machines of many hosts, each ask sold as a whole. In: its REST API. Out: the provider port.
 * Instances are found again by their label; storage is billed from creation to destruction, GPUs while they run.
 */
import { rfc3339 } from '#shared/domain/primitives.ts';
import { TransientError } from '#shared/errors.ts';
import { createHttpClient } from '#shared/runtime/http-client.ts';
import { guardedLookup } from '#shared/runtime/public-address.ts';
import { isThisMachine } from '#shared/runtime/this-machine.ts';
import type { AdapterOptions } from '../adapter.ts';
import { createProviderClient } from '../client.ts';
import { labelsOf } from '../labels.ts';
import { unreadableList, wantedOffer } from '../offer-list.ts';
import { oneAtATime } from '../one-at-a-time.ts';
import type { Provider } from '../provider.ts';
import { vastBook } from './book.ts';
import { get, list, SPACING_MS, search } from './calls.ts';
import { vastDeploy } from './deploy.ts';
import { vastLogs } from './logs.ts';
import { offersOf } from './offers.ts';
import { statusOf } from './status.ts';

/** @throws RejectedError config_invalid: a fleet that is no mark */
export function vastProvider(options: AdapterOptions): Provider {
  const { key, hostClock, worldClock } = options;
  const labels = labelsOf(options.fleet);
  const client = createProviderClient({
    ...options,
    provider: 'vast',
    spacingMs: SPACING_MS,
    secrets: [key],
    authorize: () => ({ authorization: `Bearer ${key}` }),
  });
  const book = vastBook(client);
  // Where logs lie is no place of Vast's API: another agent, which knows no key. On this machine are those of a fake that is here too.
  const rules = { loopback: isThisMachine(new URL(options.baseUrl).hostname) };
  const elsewhere = createHttpClient({ hostClock, lookup: guardedLookup(rules) });
  const logs = vastLogs(client, elsewhere, { hostClock, rules });
  const deploy = vastDeploy(client, book, labels);
  const oneByOne = oneAtATime<string>(hostClock);

  return {
    id: 'vast',
    capabilities: {
      interruptible: true,
      bids: false,
      regions: null,
      create_spacing_ms: SPACING_MS.create / worldClock.speed,
    },
    async offers(filter, context) {
      const { offers } = await client.ask(search, context).catch(unreadableList);
      if (offers.length === 0)
        throw new TransientError('offers_unreadable', 'vast search: expected offers, got an empty list');
      const observedAt = rfc3339(worldClock.now());
      return offersOf(offers, observedAt).filter((offer) => wantedOffer(offer, filter));
    },
    async deploy(offer, spec, context) {
      return { instance_id: await oneByOne(context.requestId, context, () => deploy(offer, spec, context)) };
    },
    async find(requestId, context) {
      const [first] = await book.instances(context, labels.labelOf(requestId));
      return first === undefined ? null : String(first.id);
    },
    async instances(context) {
      const found = await book.instances(context);
      return found.map((instance) => statusOf(instance, labels, worldClock.now()));
    },
    async status(instanceId, context) {
      if (!INSTANCE_ID.test(instanceId)) return null;
      const answer = await client.askOrNull(get(instanceId), context);
      if (answer === null || answer.instances === null) return null;
      return statusOf(answer.instances, labels, worldClock.now());
    },
    logs: (instanceId, context) => logs(INSTANCE_ID.test(instanceId) ? instanceId : null, context),
    async terminate(instanceId, context) {
      if (INSTANCE_ID.test(instanceId)) await book.destroy(instanceId, context);
    },
    async health(context) {
      return { answered_ms: await client.time(list({ limit: 1 }), context) };
    },
    async close() {
      await Promise.all([client.close(), elsewhere.close()]);
    },
  };
}

const INSTANCE_ID = /^\d{1,16}$/;

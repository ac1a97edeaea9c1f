/**
 * Render Network, by its Dispersed compute API: nodes of many owners, of which a job gets one that has what it asks for. In: its
 * REST API, each call signed. Out: the provider port. Jobs are found again by their title; all GPUs of the node that was given are
 * billed while the job runs, also those that nobody asked for.
 */
import { randomBytes } from 'node:crypto';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { TransientError } from '#shared/errors.ts';
import type { AdapterOptions } from '../adapter.ts';
import { createProviderClient } from '../client.ts';
import { labelsOf } from '../labels.ts';
import { unreadableList, wantedOffer } from '../offer-list.ts';
import { oneAtATime } from '../one-at-a-time.ts';
import type { CallContext, InstanceStatus, Provider } from '../provider.ts';
import { renderBook } from './book.ts';
import { anyJob, job } from './calls.ts';
import { renderDeploy } from './deploy.ts';
import { renderLogs } from './logs.ts';
import { type Pool, poolsOf } from './offers.ts';
import { canonicalJson, keyPairOf, renderSigner } from './sign.ts';
import { isKnown, statusOf } from './status.ts';
import type { Job, Run } from './wire.ts';

/** `key`: the public and the secret key of an API key, joined by a colon. */
export interface RenderOptions extends AdapterOptions {
  /** Sixteen bytes that have not come before; default: of the system's generator. */
  readonly nonceBytes?: () => Uint8Array;
}

const NONCE_BYTES = 16;
const MAX_REMEMBERED = 10_000;

/** @throws RejectedError config_invalid: a key that is no pair, a fleet that is no mark */
export function renderProvider(options: RenderOptions): Provider {
  const { hostClock, worldClock, nonceBytes = () => randomBytes(NONCE_BYTES) } = options;
  const labels = labelsOf(options.fleet);
  const keys = keyPairOf(options.key);
  const client = createProviderClient({
    ...options,
    provider: 'render',
    spacingMs: {},
    secrets: [keys.secretKey, keys.publicKey],
    authorize: renderSigner({ ...keys, hostClock, nonceBytes }),
    encode: canonicalJson,
  });
  const book = renderBook(client);

  async function pools(context: CallContext): Promise<readonly Pool[]> {
    const nodes = await book.nodes(context).catch(unreadableList);
    if (nodes.length === 0)
      throw new TransientError('offers_unreadable', 'render offers: expected free nodes, got an empty list');
    return poolsOf(nodes, rfc3339(worldClock.now()));
  }

  /** Jobs that were seen running, oldest first: of one that has failed nothing else may tell that it ran. */
  const ran = new Set<string>();

  function told(one: Job, run: Run | null): InstanceStatus {
    const status = statusOf(one, run, labels, ran.has(one.uuid));
    if (status.state === 'running') ran.add(one.uuid);
    const [oldest] = ran;
    if (oldest !== undefined && ran.size > MAX_REMEMBERED) ran.delete(oldest);
    return status;
  }

  const deploy = renderDeploy(client, book, labels, pools);
  const logs = renderLogs(client, book);
  const oneByOne = oneAtATime<string>(hostClock);

  return {
    id: 'render',
    capabilities: { interruptible: true, bids: false, regions: null, create_spacing_ms: 0 },
    async offers(filter, context) {
      return (await pools(context)).map(({ offer }) => offer).filter((offer) => wantedOffer(offer, filter));
    },
    async deploy(offer, spec, context) {
      return { instance_id: await oneByOne(context.requestId, context, () => deploy(offer, spec, context)) };
    },
    async find(requestId, context) {
      const title = labels.labelOf(requestId);
      return (await book.living(context)).find((one) => one.title === title)?.uuid ?? null;
    },
    async instances(context) {
      const jobs = await book.living(context);
      if (jobs.length === 0) return [];
      const runs = await book.runs(context);
      const seen: InstanceStatus[] = [];
      for (const one of jobs) {
        // Of a status that nobody knows the run may tell more, though it is over.
        const run = runs.get(one.uuid) ?? (isKnown(one) ? null : await book.runOf(one.uuid, context));
        seen.push(told(one, run));
      }
      return seen;
    },
    async status(instanceId, context) {
      if (!JOB_ID.test(instanceId)) return null;
      const found = await client.askOrNull(job(instanceId), context);
      if (found === null) return null;
      return told(found, await book.runOf(instanceId, context));
    },
    logs: (instanceId, context) => logs(JOB_ID.test(instanceId) ? instanceId : null, context),
    async terminate(instanceId, context) {
      if (JOB_ID.test(instanceId)) await book.cancel(instanceId, 'no longer needed', context);
    },
    async health(context) {
      return { answered_ms: await client.time(anyJob, context) };
    },
    close: () => client.close(),
  };
}

const JOB_ID = /^[0-9A-Za-z-]{1,64}$/;

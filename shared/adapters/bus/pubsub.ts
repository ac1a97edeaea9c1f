/**
 * The bus on Google Cloud Pub/Sub: publishes; who hears what, retries and dead letters are the infrastructure's (terraform/),
 * and topics are never created here. The client library is loaded with the first message.
 *
 * One Topic object for each topic, for it holds the batch under way: calls that come together share a request. A call resolves
 * when the server has all of its messages, so an instance whose CPU is taken away after its answer owes nothing.
 */
import type { PubSub, Topic } from '@google-cloud/pubsub';
import { BUS_PUBLISH_DEADLINE_MS, MAX_EVENT_BYTES } from '#shared/defaults.ts';
import { AuroraError, RejectedError, TransientError } from '#shared/errors.ts';
import type { Bus, BusMessage } from '#shared/ports/bus.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import { inUse } from '../client/in-use.ts';
import { within } from '../client/waits.ts';
import { checkSizes } from './message-size.ts';

export interface PubsubOptions {
  readonly projectId: string;
  /** `host:port` of an emulator, without credentials; null: Google's own, with the ambient identity. */
  readonly endpoint: string | null;
  readonly hostClock: HostClock;
  /** Host milliseconds after which a publish that has not succeeded has failed. */
  readonly deadlineMs?: number;
  /** Null: whatever there is in the project; one that is not there is Pub/Sub's to refuse. */
  readonly topics: readonly string[] | null;
  /** Largest data of a message, of the topics that take another one than MAX_EVENT_BYTES. */
  readonly topicLimits?: Readonly<Record<string, number>>;
}

/** Of the deadline: a batch that the client still tries would take those that come after it on the same key down with it. */
const CLIENTS_SHARE = 0.9;
/** Some milliseconds buy requests of up to a hundred messages when many calls come at once; one alone waits them out. */
const BATCHING = { maxMessages: 100, maxBytes: 1024 * 1024, maxMilliseconds: 5 };

export function createPubsubBus(options: PubsubOptions): Bus {
  const { projectId, endpoint, hostClock, topics, topicLimits = {}, deadlineMs = BUS_PUBLISH_DEADLINE_MS } = options;
  const publishing = publishOptions(CLIENTS_SHARE * deadlineMs);
  const known = topics === null ? null : new Set(topics);
  const opened = new Map<string, Topic>();
  const life = inUse((doing) => new TransientError('bus_unavailable', `${doing}: the bus is closed`));
  let opening: Promise<PubSub> | undefined;

  const client = (): Promise<PubSub> => {
    opening ??= open(projectId, endpoint);
    return opening;
  };
  const topicOf = async (name: string): Promise<Topic> => {
    const pubsub = await client();
    const topic = opened.get(name) ?? pubsub.topic(name, publishing);
    opened.set(name, topic);
    return topic;
  };
  const send = async (topicName: string, messages: readonly BusMessage[]): Promise<readonly string[]> => {
    const topic = await topicOf(topicName);
    // All are handed over before the first is awaited: one batch, in this order.
    const sent = messages.map(async ({ data, attributes, orderingKey }) => {
      try {
        return await topic.publishMessage({
          data: Buffer.from(data.buffer, data.byteOffset, data.byteLength),
          attributes: { ...attributes },
          ...(orderingKey === undefined ? {} : { orderingKey }),
        });
      } catch (error) {
        // The client holds a key back after a failure, so that nothing overtakes; the caller has heard, and sends again.
        if (orderingKey !== undefined) topic.resumePublishing(orderingKey);
        throw error;
      }
    });
    await Promise.allSettled(sent);
    return await Promise.all(sent);
  };

  return {
    publish: (topic, messages) =>
      life.during(`publish to ${topic}`, async () => {
        if (known?.has(topic) === false)
          throw new RejectedError(
            'topic_unknown',
            `topic ${JSON.stringify(topic)} is not one of ${[...known].join(', ')}`,
          );
        checkSizes(messages, topicLimits[topic] ?? MAX_EVENT_BYTES);
        try {
          // The client's own deadline begins once it has credentials; whoever has none to give may never answer.
          return await within(hostClock, deadlineMs, () => send(topic, messages));
        } catch (error) {
          throw asBusError(error, topic);
        }
      }),
    async close() {
      const last = await life.end();
      if (last && opening !== undefined) await (await opening).close();
    },
  };
}

/** Of gRPC (https://grpc.io/docs/guides/status-codes/). */
const GRPC = {
  unknown: 2,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  aborted: 10,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

const publishOptions = (deadlineMs: number) => ({
  batching: BATCHING,
  messageOrdering: true,
  gaxOpts: {
    timeout: deadlineMs,
    retry: {
      retryCodes: [
        GRPC.unknown,
        GRPC.deadlineExceeded,
        GRPC.resourceExhausted,
        GRPC.aborted,
        GRPC.internal,
        GRPC.unavailable,
      ],
      backoffSettings: {
        initialRetryDelayMillis: 100,
        retryDelayMultiplier: 2,
        maxRetryDelayMillis: 2_000,
        initialRpcTimeoutMillis: deadlineMs / 3,
        rpcTimeoutMultiplier: 1,
        maxRpcTimeoutMillis: deadlineMs / 3,
        totalTimeoutMillis: deadlineMs,
      },
    },
  },
});

async function open(projectId: string, endpoint: string | null): Promise<PubSub> {
  const { PubSub } = await import('@google-cloud/pubsub');
  if (endpoint === null) return new PubSub({ projectId });
  // Else it looks for a metadata server, and waits for one.
  const { PassThroughClient } = await import('google-auth-library');
  return new PubSub({ projectId, apiEndpoint: endpoint, emulatorMode: true, authClient: new PassThroughClient() });
}

function asBusError(error: unknown, topic: string): AuroraError {
  if (error instanceof AuroraError) return error;
  const code = error instanceof Error && 'code' in error ? error.code : null;
  const remedy =
    code === GRPC.permissionDenied || code === GRPC.unauthenticated
      ? '; the service account needs roles/pubsub.publisher on it'
      : code === GRPC.notFound
        ? '; Pub/Sub has none of this name in the project: terraform apply'
        : '';
  const message = error instanceof Error ? error.message : String(error);
  return new TransientError('bus_unavailable', `publish to ${topic}: ${message}${remedy}`, { cause: error });
}

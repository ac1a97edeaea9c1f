/**
 * The platform on Google Cloud: Pub/Sub, BigQuery and Cloud Storage by the ambient identity, world time that is the machine's.
 * Nothing is asked of any of them before it is used.
 */
import { randomUUID } from 'node:crypto';
import { createMetadataTokens } from './adapters/google/metadata-tokens.ts';
import { createRunJob } from './adapters/google/run-job.ts';
import type { GoogleConfig } from './config.ts';
import type { Platform, PlatformOptions } from './platform.ts';
import { openPorts, saltIn } from './platform-ports.ts';
import type { DeadLetterCount } from './ports/bus.ts';
import { createWorldClock } from './runtime/world-clock.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { deadLetterTopicOf, SUBSCRIPTIONS, TOPIC_LIMITS, TOPICS } from './topology.ts';

/** Of the entries of `state` in the bucket; its lifecycle rule removes what has expired. */
const STATE_FOLDER = 'state/';

export function createGcpPlatform(options: PlatformOptions & { readonly google: GoogleConfig }): Platform {
  const { config, hostClock, log, google } = options;
  const { projectId, bucket, dataset, location, maxBytesBilled, trainingJob, callers, endpoints } = google;
  const tokens = createMetadataTokens({ origin: endpoints.metadata, hostClock });
  const isPerson = options.identity === 'application default';
  const accessToken = async (): Promise<() => Promise<string>> => {
    if (!isPerson) return () => tokens.access();
    return (await import('./adapters/google/default-tokens.ts')).createDefaultTokens();
  };
  let identity: Promise<(audience: string) => Promise<string>> | undefined;
  const identityOfPerson = async (audience: string): Promise<string> => {
    identity ??= import('./adapters/google/default-tokens.ts').then((tokensOf) => tokensOf.createDefaultIdentity());
    return (await identity)(audience);
  };
  const ports = openPorts();
  const { lazily } = ports;

  const objects = lazily(async () => {
    const { createGcsObjects } = await import('./adapters/objects/gcs/index.ts');
    const token = await accessToken();
    return createGcsObjects({ bucket, endpoint: endpoints.storage, token, newMark: randomUUID, hostClock });
  });
  const state = lazily(async () => {
    const { createObjectState } = await import('./adapters/state/objects.ts');
    return createObjectState({ objects: await objects(), folder: STATE_FOLDER, hostClock });
  });
  const warehouse = lazily(async () => {
    const { createBigqueryWarehouse } = await import('./adapters/warehouse/bigquery/index.ts');
    const endpoint = endpoints.bigquery;
    return createBigqueryWarehouse({ projectId, dataset, location, endpoint, hostClock, maxBytesBilled });
  });
  const bus = lazily(async () => {
    const { createPubsubBus } = await import('./adapters/bus/pubsub.ts');
    const endpoint = endpoints.pubsub;
    return createPubsubBus({ projectId, endpoint, hostClock, topics: TOPICS, topicLimits: TOPIC_LIMITS });
  });
  /** A bus of its own: whoever publishes no jobs opens none. */
  const others = lazily(async () => {
    const { createPubsubBus } = await import('./adapters/bus/pubsub.ts');
    return createPubsubBus({ projectId, endpoint: endpoints.pubsub, hostClock, topics: null });
  });
  const deadLetters = lazily(async () => {
    const { createPubsubDeadLetters } = await import('./adapters/bus/pubsub-dead-letters.ts');
    const { publish } = await bus();
    const at = endpoints.pubsub;
    return createPubsubDeadLetters({
      projectId,
      origin: at === null ? 'https://pubsub.googleapis.com' : `http://${at}`,
      token: at === null ? await accessToken() : null,
      topics: TOPICS,
      publish,
      hostClock,
    });
  });
  const countDeadLetters = async (): Promise<DeadLetterCount> => {
    const { createDeadLetterCount } = await import('./adapters/bus/pubsub-dead-letter-count.ts');
    const token = await accessToken();
    const keepers = TOPICS.map(deadLetterTopicOf);
    const busy = SUBSCRIPTIONS.map(({ name }) => name);
    return createDeadLetterCount({ projectId, origin: endpoints.monitoring, token, keepers, busy, hostClock })();
  };
  const jobStarter = (job: string): Platform['startJob'] => {
    const run = createRunJob({ job, origin: endpoints.run, token: () => tokens.access(), hostClock });
    return (event) => run({ AURORA_JOB_EVENT: event });
  };
  const now = hostClock.now();
  return {
    config,
    hostClock,
    worldClock: createWorldClock({ hostClock, speed: 1, originHostMs: now, originWorldMs: now }),
    log,
    metrics: createMetrics(),
    bus,
    deadLetters,
    countDeadLetters,
    warehouse,
    estimate: async (query, params) => (await warehouse()).estimate(query, params),
    objects,
    state,
    async publishJob(topic, data) {
      await (await others()).publish(topic, [{ data, attributes: {} }]);
    },
    // Cloud Monitoring knows, minutes later; what comes faster than it is deployed waits in Pub/Sub.
    backlog: async () => null,
    // What is a job already starts no other.
    startJob: trainingJob === null || config.jobEvent !== null ? null : jobStarter(trainingJob),
    identity: isPerson ? identityOfPerson : callers === null ? null : (audience) => tokens.identity(audience),
    clusterToken: () => tokens.cluster(),
    salt: saltIn(state),
    close: ports.close,
  };
}

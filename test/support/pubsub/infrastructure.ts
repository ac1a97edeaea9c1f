/**
 * Topics, dead letters and push subscriptions in an emulator, made from shared/topology.ts as terraform makes the real ones. Left
 * out is what the emulator does not do (tokens, regions), and the waits between deliveries: under a retry policy it forgets
 * refused messages for good (version 0.8.20: of 20 that were refused once or more, 6 to 15 never came again). Without one it sends
 * what was refused, or whose receiver died, again after a second; so every subscription has as many attempts as Pub/Sub gives, or
 * the few of a training would be over before its function is up again.
 */
import { PubSub, type Subscription } from '@google-cloud/pubsub';
import { PassThroughClient } from 'google-auth-library';
import { ackDeadlineMs, deadLetterTopicOf, SUBSCRIPTIONS, type SubscriptionSpec, TOPICS } from '#shared/topology.ts';

export interface Infrastructure {
  /** What was given up so far, as `topic: data`. */
  readonly deadLetters: readonly string[];
  /** Takes it all down. */
  close(): Promise<void>;
}

const KEPT_S = 604_800;
const DEAD_LETTER_ACK_S = 60;
const MOST_ATTEMPTS = 100;

export async function makeInfrastructure(options: {
  /** `host:port` of the emulator. */
  readonly endpoint: string;
  readonly projectId: string;
  /** Where the pushes of a function go. */
  readonly urlOf: (name: SubscriptionSpec['function']) => string;
}): Promise<Infrastructure> {
  const { endpoint, projectId, urlOf } = options;
  const admin = emulatorClient(endpoint, projectId);
  const deadLetters: string[] = [];
  const open: Subscription[] = [];

  for (const topic of TOPICS) {
    await admin.createTopic(topic);
    const deadLetterTopic = deadLetterTopicOf(topic);
    await admin.createTopic(deadLetterTopic);
    const [kept] = await admin.topic(deadLetterTopic).createSubscription(deadLetterTopic, {
      ackDeadlineSeconds: DEAD_LETTER_ACK_S,
      expirationPolicy: {},
    });
    kept.on('message', (message) => {
      deadLetters.push(`${topic}: ${message.data}`);
      message.ack();
    });
    open.push(kept);
  }
  for (const subscription of SUBSCRIPTIONS) {
    const { name, topic, ordered } = subscription;
    await admin.topic(topic).createSubscription(name, {
      pushEndpoint: urlOf(subscription.function),
      ackDeadlineSeconds: ackDeadlineMs(subscription) / 1_000,
      enableMessageOrdering: ordered,
      messageRetentionDuration: { seconds: KEPT_S },
      deadLetterPolicy: {
        deadLetterTopic: `projects/${projectId}/topics/${deadLetterTopicOf(topic)}`,
        maxDeliveryAttempts: MOST_ATTEMPTS,
      },
      expirationPolicy: {},
    });
  }
  return {
    deadLetters,
    async close() {
      await Promise.all(open.map((subscription) => subscription.close()));
      for (const { name } of SUBSCRIPTIONS) await admin.subscription(name).delete();
      for (const topic of TOPICS) {
        await admin.subscription(deadLetterTopicOf(topic)).delete();
        await admin.topic(deadLetterTopicOf(topic)).delete();
        await admin.topic(topic).delete();
      }
      await admin.close();
    },
  };
}

/** A client for what stands around the bus, without credentials. */
export const emulatorClient = (endpoint: string, projectId: string): PubSub =>
  new PubSub({ projectId, apiEndpoint: endpoint, emulatorMode: true, authClient: new PassThroughClient() });

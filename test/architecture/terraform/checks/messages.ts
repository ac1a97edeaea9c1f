/** Topics, dead letters and subscriptions: nothing that is published is lost. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EVENTS } from '#shared/domain/events/catalogue.ts';
import { SUBSCRIPTIONS } from '#shared/topology.ts';
import { type Check, functionsOf, unlike } from '../check.ts';
import { localsIn, moduleCall, type Parsed, ref, resource, TERRAFORM } from '../parsed.ts';

const topology = JSON.parse(readFileSync(join(TERRAFORM, 'topology.json'), 'utf8')) as {
  readonly topics: readonly string[];
  readonly subscriptions: Readonly<Record<string, { topic: string; function: string; ack_deadline_seconds: number }>>;
};
const subscriptions = Object.values(topology.subscriptions);

const SERVICE_AGENT = `serviceAccount:${ref('var.service_agent')}`;
const NEVER_EXPIRES = [{ ttl: '' }];

function everyEvent(parsed: Parsed): readonly string[] {
  const functions = functionsOf(parsed);
  return Object.values(EVENTS).flatMap(({ topic }) => {
    const heardBy = subscriptions.filter((subscription) => subscription.topic === topic);
    return [
      ...(topology.topics.includes(topic) ? [] : [`${topic}: no topic`]),
      ...(heardBy.length > 0 ? [] : [`${topic}: no subscription`]),
      ...heardBy.filter((one) => functions[one.function] === undefined).map((one) => `${topic}: no ${one.function}`),
      ...(Object.values(functions).some(({ publishes }) => publishes.includes(topic))
        ? []
        : [`${topic}: no publisher`]),
    ];
  });
}

export const MESSAGES: readonly Check[] = [
  { says: 'every event has a topic, a publisher, a subscription and its function', breaches: everyEvent },
  {
    says: 'topics and subscriptions are made of the generated topology',
    breaches: (parsed) => [
      ...unlike(
        'local.topology',
        localsIn(parsed, 'aurora')['topology'],
        ref(`jsondecode(file("${ref('path.module')}/../topology.json"))`),
      ),
      ...unlike('module.topic', moduleCall(parsed, 'aurora', 'topic'), {
        for_each: ref('toset(local.topology.topics)'),
      }),
      ...unlike('module.subscription', moduleCall(parsed, 'aurora', 'subscription'), {
        for_each: ref('local.topology.subscriptions'),
        // Its pushes carry tokens only once Pub/Sub may make them out.
        depends_on: [ref('google_service_account_iam_member.pusher_tokens')],
      }),
    ],
  },
  {
    says: 'a topic keeps its messages, where they may be kept, and has its publishers',
    breaches: (parsed) => [
      ...unlike('topic', resource(parsed, 'modules/topic', 'google_pubsub_topic.this'), {
        message_retention_duration: '604800s',
        message_storage_policy: [{ allowed_persistence_regions: ref('var.regions') }],
      }),
      ...unlike('publisher', resource(parsed, 'modules/topic', 'google_pubsub_topic_iam_member.publisher'), {
        for_each: ref('var.publishers'),
        role: 'roles/pubsub.publisher',
      }),
    ],
  },
  {
    says: 'a topic has a dead-letter topic, and a subscription that keeps what comes there',
    breaches: (parsed) => [
      ...unlike('dead letters', resource(parsed, 'modules/topic', 'google_pubsub_topic.dead_letter'), {
        message_storage_policy: [{ allowed_persistence_regions: ref('var.regions') }],
      }),
      ...unlike('their keeper', resource(parsed, 'modules/topic', 'google_pubsub_subscription.dead_letter'), {
        topic: ref('google_pubsub_topic.dead_letter.id'),
        message_retention_duration: '2678400s',
        expiration_policy: NEVER_EXPIRES,
      }),
    ],
  },
  {
    says: 'Pub/Sub may forward dead letters, acknowledge them, and make out the tokens of its pushes',
    breaches: (parsed) => [
      ...unlike(
        'forwarder',
        resource(parsed, 'modules/topic', 'google_pubsub_topic_iam_member.dead_letter_forwarder'),
        {
          topic: ref('google_pubsub_topic.dead_letter.id'),
          role: 'roles/pubsub.publisher',
          member: SERVICE_AGENT,
        },
      ),
      ...unlike(
        'acknowledger',
        resource(parsed, 'modules/subscription', 'google_pubsub_subscription_iam_member.service_agent'),
        {
          role: 'roles/pubsub.subscriber',
          member: SERVICE_AGENT,
        },
      ),
      ...unlike('tokens', resource(parsed, 'aurora', 'google_service_account_iam_member.pusher_tokens'), {
        service_account_id: ref('google_service_account.pusher.name'),
        role: 'roles/iam.serviceAccountTokenCreator',
        member: `serviceAccount:${ref('local.pubsub_agent')}`,
      }),
    ],
  },
  {
    says: 'a subscription pushes with a token, pauses, gives up to the dead-letter topic and never expires',
    breaches: (parsed) =>
      unlike('subscription', resource(parsed, 'modules/subscription', 'google_pubsub_subscription.this'), {
        ack_deadline_seconds: ref('var.ack_deadline_seconds'),
        enable_message_ordering: ref('var.ordered'),
        push_config: [{ oidc_token: [{ audience: ref('var.audience'), service_account_email: ref('var.pusher') }] }],
        retry_policy: [
          {
            minimum_backoff: `${ref('var.backoff_seconds.min')}s`,
            maximum_backoff: `${ref('var.backoff_seconds.max')}s`,
          },
        ],
        dead_letter_policy: [
          { dead_letter_topic: ref('var.dead_letter_topic'), max_delivery_attempts: ref('var.max_attempts') },
        ],
        expiration_policy: NEVER_EXPIRES,
      }),
  },
  {
    says: 'a handler’s budget < the ack deadline <= the service’s timeout, and <= 600 s',
    breaches: (parsed) => [
      ...SUBSCRIPTIONS.flatMap(({ name, handlerBudgetMs }) => {
        const { ack_deadline_seconds = 0 } = topology.subscriptions[name] ?? {};
        return ack_deadline_seconds > handlerBudgetMs / 1_000 && ack_deadline_seconds <= 600 ? [] : [name];
      }),
      ...unlike('local.timeout_seconds', localsIn(parsed, 'aurora')['timeout_seconds'], TIMEOUTS),
    ],
  },
];

/** The largest ack deadline of its subscriptions, and at least what the clock waits, or a caller. */
const TIMEOUTS = ref(`{
    for name, function in local.functions : name => max(
      function.every == null ? 60 : 120,
      [for subscription in values(local.topology.subscriptions) : subscription.ack_deadline_seconds if subscription.function == name]...
    )
  }`);

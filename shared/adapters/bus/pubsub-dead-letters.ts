/**
 * Dead letters in Pub/Sub, for a person at a terminal. Every topic has a dead-letter topic, and that a subscription of its name,
 * which keeps what comes there (terraform/modules/topic). To see letters is to lease them: they are held here, and given back by
 * `close`. Sent again they go to their topic, so to all of its subscriptions, which know an event by its id.
 *
 * By the REST interface: https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions. What the client library adds to
 * it is a stream, which a command that looks once has no use for.
 */
import { z } from 'zod';
import { type AuroraError, TransientError } from '#shared/errors.ts';
import type { Bus, DeadLetter, DeadLetters } from '#shared/ports/bus.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import { inUse } from '../client/in-use.ts';
import { within } from '../client/waits.ts';
import { sourceOf, withoutDeadLetterAttributes } from './dead-letter-attributes.ts';

export interface PubsubDeadLettersOptions {
  readonly projectId: string;
  /** Of the REST interface. */
  readonly origin: string;
  /** An access token; null: nobody asks for one. */
  readonly token: (() => Promise<string>) | null;
  readonly topics: readonly string[];
  readonly publish: Bus['publish'];
  readonly hostClock: HostClock;
}

interface Held {
  readonly letter: DeadLetter;
  readonly ackId: string;
}

const SUFFIX = '-dead-letter';
/** The longest that Pub/Sub leases. */
const LEASE_SECONDS = 600;
/** Of one request. */
const MESSAGES = 1_000;
const DEADLINE_MS = 15_000;
/** It may answer with nothing although there is something. */
const EMPTY_PULLS = 3;
const MAX_HELD = 10_000;

export function createPubsubDeadLetters(options: PubsubDeadLettersOptions): DeadLetters & { close(): Promise<void> } {
  const { projectId, origin, token, topics, publish, hostClock } = options;
  const held = new Map<string, Held>();
  const life = inUse((doing) => new TransientError('bus_unavailable', `${doing}: the bus is closed`));

  const call = async (topic: string, method: string, body: object): Promise<unknown> => {
    const subscription = `projects/${projectId}/subscriptions/${topic}${SUFFIX}`;
    const authorization = token === null ? {} : { authorization: `Bearer ${await token()}` };
    const { status, text } = await within(hostClock, DEADLINE_MS, async (signal) => {
      const response = await fetch(`${origin}/v1/${subscription}:${method}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...authorization },
        body: JSON.stringify(body),
        signal,
        redirect: 'error',
      });
      return { status: response.status, text: await response.text() };
    }).catch((error: unknown) => {
      throw unavailable(`${method} ${subscription}`, error instanceof Error ? error.message : String(error), error);
    });
    if (status !== 200) throw unavailable(`${method} ${subscription}`, `HTTP ${status}${REMEDIES[status] ?? ''}`);
    return JSON.parse(text);
  };

  /** New ones of a topic, leased. */
  const pull = async (topic: string, most: number): Promise<readonly Held[]> => {
    const answer = pulled.parse(
      await call(topic, 'pull', { maxMessages: Math.min(most, MESSAGES), returnImmediately: true }),
    );
    const found = answer.receivedMessages.map(({ ackId, message }) => ({ ackId, letter: letterOf(topic, message) }));
    if (found.length > 0) await lease(topic, found, LEASE_SECONDS);
    for (const one of found) held.set(one.letter.messageId, one);
    return found;
  };
  const lease = (topic: string, letters: readonly Held[], ackDeadlineSeconds: number): Promise<unknown> =>
    call(topic, 'modifyAckDeadline', { ackIds: letters.map(({ ackId }) => ackId), ackDeadlineSeconds });
  /** Until `enough`, or there are no more. */
  const pullUntil = async (topic: string, enough: () => number): Promise<void> => {
    for (let empty = 0; empty < EMPTY_PULLS && enough() > 0 && held.size < MAX_HELD; )
      empty = (await pull(topic, enough())).length === 0 ? empty + 1 : 0;
  };
  const find = async (id: string): Promise<Held | null> => {
    const [topic = ''] = id.split('/');
    if (topics.includes(topic)) await pullUntil(topic, () => (held.has(id) ? 0 : MESSAGES));
    return held.get(id) ?? null;
  };
  return {
    deadLetters: (limit, before) =>
      life.during('dead letters', async () => {
        const known = held.size;
        const from = before === undefined ? 0 : known;
        for (const topic of topics) await pullUntil(topic, () => from + limit - held.size);
        const page = [...held.values()].slice(from, from + limit).map(({ letter }) => letter);
        return page.toSorted((a, b) => b.publishTime.localeCompare(a.publishTime));
      }),
    deadLetter: (id) => life.during(`dead letter ${id}`, async () => (await find(id))?.letter ?? null),
    replayDeadLetter: (id) =>
      life.during(`replay of dead letter ${id}`, async () => {
        const found = await find(id);
        if (found === null) return false;
        const { sourceTopic, data, attributes, orderingKey } = found.letter;
        const message = { data, attributes: withoutDeadLetterAttributes(attributes) };
        await publish(sourceTopic, [orderingKey === null ? message : { ...message, orderingKey }]);
        await call(sourceTopic, 'acknowledge', { ackIds: [found.ackId] });
        held.delete(id);
        return true;
      }),
    async close() {
      if (!(await life.end())) return;
      for (const [topic, letters] of Map.groupBy(held.values(), ({ letter }) => letter.sourceTopic))
        for (let at = 0; at < letters.length; at += MESSAGES) await lease(topic, letters.slice(at, at + MESSAGES), 0);
    },
  };
}

const pubsubMessage = z.object({
  data: z.string().default(''),
  attributes: z.record(z.string(), z.string()).default({}),
  messageId: z.string(),
  publishTime: z.string(),
  orderingKey: z.string().default(''),
});

const pulled = z.object({
  receivedMessages: z.array(z.object({ ackId: z.string(), message: pubsubMessage })).default([]),
});

function letterOf(sourceTopic: string, message: z.infer<typeof pubsubMessage>): DeadLetter {
  const { subscription, attempts, publishTime } = sourceOf(message.attributes);
  return {
    // Of one topic it is unique.
    messageId: `${sourceTopic}/${message.messageId}`,
    topic: sourceTopic + SUFFIX,
    sourceTopic,
    sourceSubscription: subscription ?? '',
    deliveryAttempts: attempts ?? 0,
    publishTime: new Date(publishTime ?? message.publishTime).toISOString(),
    attributes: message.attributes,
    data: Buffer.from(message.data, 'base64'),
    orderingKey: message.orderingKey === '' ? null : message.orderingKey,
    // Pub/Sub keeps no reason; the log of the function has it.
    lastError: null,
  };
}

const REMEDIES: Readonly<Record<number, string>> = {
  401: '; log in with gcloud auth application-default login',
  403: '; it takes roles/pubsub.subscriber on the subscription',
  404: '; there is no such subscription, terraform makes it',
};

const unavailable = (doing: string, why: string, cause?: unknown): AuroraError =>
  new TransientError('bus_unavailable', `${doing}: ${why}`, { cause });

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createEmbeddedBus } from '#shared/adapters/bus/embedded/index.ts';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { EVENTS } from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import { deadLetterTopicOf, SUBSCRIPTIONS, TOPICS } from '#shared/topology.ts';
import { aDecision, EVENT_SAMPLES } from '#test/support/events.ts';
import { run, runJson, SAMPLE_WORDS, untilQuiet, untilStatus } from './run.ts';

/** Refuses every connection: nothing listens on the discard port. */
const NOBODY = 'http://127.0.0.1:9/';
const LOOK_EVERY_MS = 20;

/**
 * A state directory with something of everything: the sample's record, a version trained and judged on it, one dead letter
 * (a decision that can be read), two rejected events (one that this build reads, one that it never will). Answers the version.
 */
export async function prepareState(directory: string): Promise<string> {
  await run(...SAMPLE_WORDS, '--dir', directory);
  // What is learnt after a training is learnt on top of it.
  await untilQuiet(directory);
  const { value } = await runJson<{ report: { version: string } }>('train', '--dir', directory);
  await leaveDeadLetterAndRejects(join(directory, 'bus.sqlite'));
  await untilStatus(directory, ({ rejected, backlog }) => rejected === 2 && backlog === 0);
  return value.report.version;
}

async function leaveDeadLetterAndRejects(file: string): Promise<void> {
  const bus = await createEmbeddedBus({
    file,
    topics: TOPICS,
    subscriptions: SUBSCRIPTIONS.map(({ name, topic, ordered }) => ({
      name,
      topic,
      ordered,
      pushUrl: null,
      ackDeadlineMs: 1_000,
      minBackoffMs: 1,
      maxBackoffMs: 1,
      maxAttempts: 1,
      deadLetterTopic: deadLetterTopicOf(topic),
      maxInFlight: 1,
    })),
    hostClock,
    random: () => 0.5,
    inProcess: true,
  });
  try {
    const late = aDecision({ decision_id: 'given-up', request_id: 'given-up' });
    await bus.publish('routing-decisions', [encodeEvent(EVENTS['routing-decision'], late)]);
    await bus.start([{ name: 'ingest-routing-decisions', pushUrl: NOBODY }]);
    while ((await bus.countDeadLetters()) === 0) await sleep(LOOK_EVERY_MS);
    await bus.start([{ name: 'ingest-routing-decisions', pushUrl: null }]);

    await bus.publish('routing-decisions', [
      { data: Buffer.from('{"decision_id":7}'), attributes: { event_type: 'routing-decision' } },
    ]);
    const readable = encodeEvent(
      EVENTS['routing-decision'],
      aDecision({ decision_id: 'refused-once', request_id: 'refused-once' }),
    );
    const rejected = {
      ...EVENT_SAMPLES['event-rejected'],
      event_type: 'routing-decision',
      code: 'event_invalid',
      reason: 'an older build could not read it',
      raw_base64: Buffer.from(readable.data).toString('base64'),
      attributes: { ...readable.attributes },
    };
    await bus.publish('rejected-events', [encodeEvent(EVENTS['event-rejected'], rejected)]);
  } finally {
    await bus.close();
  }
}

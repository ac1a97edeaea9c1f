/** Jobs of a platform: JSON on a topic that a service of others works off, as its own producers put it there. */
import { RejectedError } from '#shared/errors.ts';
import type { Platform } from '#shared/platform.ts';
import { deadLetterTopicOf, TOPICS } from '#shared/topology.ts';
import type { ProbeTools } from './tools.ts';

/** Which take events, and nothing else. */
const OURS: ReadonlySet<string> = new Set(TOPICS.flatMap((topic) => [topic, deadLetterTopicOf(topic)]));

export const jobPublisher =
  (platform: Pick<Platform, 'publishJob'>): NonNullable<ProbeTools['publishJob']> =>
  async (topic, job, { signal }) => {
    signal.throwIfAborted();
    const own = topic.split('/').at(-1) ?? '';
    if (OURS.has(own))
      throw new RejectedError('topic_unknown', `topic ${own} is one of ours, which take events: expected one of jobs`);
    await platform.publishJob(topic, new TextEncoder().encode(JSON.stringify(job)));
  };

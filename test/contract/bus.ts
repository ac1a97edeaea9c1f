import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MAX_EVENT_BYTES } from '#shared/defaults.ts';
import { AuroraError } from '#shared/errors.ts';
import type { Bus, SubscriptionConfig } from '#shared/ports/bus.ts';
import { message } from './bus-message.ts';
import type { PushRecorder } from './bus-recorder.ts';

/** A bus that delivers to a recorder. */
export interface BusHarness {
  readonly bus: Bus;
  readonly recorder: PushRecorder;
  /** Resolves when the condition holds. Never fails: the test's own time limit does. */
  until(condition: () => boolean): Promise<void>;
  /** Stops the bus, if the test did not, and everything around it. */
  dispose(): Promise<void>;
}

/** What a test asks for. Subscriptions push to `/<name>` of the recorder; limits that are not given are the harness's. */
export interface BusSetup {
  readonly topics: readonly string[];
  readonly topicLimits?: Readonly<Record<string, number>>;
  readonly subscriptions: readonly (Pick<SubscriptionConfig, 'name' | 'topic'> &
    Partial<Pick<SubscriptionConfig, 'ordered' | 'maxAttempts' | 'deadLetterTopic' | 'maxInFlight'>>)[];
}

/** A part of the promise that an adapter cannot show, with the reason. The test is then listed as skipped. */
export type Waivers = Readonly<
  Partial<
    Record<
      'size limit' | 'bound in flight' | 'ordering key in the envelope' | 'delivery attempt' | '202 acknowledges',
      string
    >
  >
>;

/** The code of the coded error that `operation` fails with; any other end of it fails the test. */
export async function codeOf(operation: Promise<unknown>): Promise<string> {
  const outcome = await operation.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ('error' in outcome && outcome.error instanceof AuroraError) return outcome.error.code;
  throw new Error(`expected a coded error, got ${JSON.stringify(outcome)}`, { cause: outcome });
}

/** What every bus must do; each adapter's test is one call of this. */
export function busContract(
  name: string,
  makeHarness: (setup: BusSetup) => Promise<BusHarness>,
  waivers: Waivers = {},
): void {
  describe(`bus contract: ${name}`, () => {
    let harness: BusHarness;
    const make = async (setup: BusSetup): Promise<BusHarness> => {
      harness = await makeHarness(setup);
      return harness;
    };
    beforeEach(() => {
      harness = { dispose: async () => undefined } as BusHarness;
    });
    afterEach(() => harness.dispose());

    test('pushes each message to each subscription of its topic, in the envelope of Pub/Sub', async () => {
      const { bus, recorder, until } = await make({
        topics: ['outcomes', 'offers'],
        subscriptions: [
          { name: 'ingest', topic: 'outcomes' },
          { name: 'learn', topic: 'outcomes' },
          { name: 'collect', topic: 'offers' },
        ],
      });
      const ids = await bus.publish('outcomes', [message('{"a":"ü"}', { event_type: 'outcome', event_id: 'e1' })]);
      await until(() => recorder.pushes.length === 2);
      expect(ids).toHaveLength(1);
      expect(recorder.pushes.map((push) => push.path).sort()).toEqual(['/ingest', '/learn']);
      for (const { envelope, contentType, text, path } of recorder.pushes) {
        expect(contentType).toBe('application/json');
        expect(envelope.subscription).toMatch(new RegExp(`^projects/[^/]+/subscriptions/${path.slice(1)}$`));
        expect(text).toBe('{"a":"ü"}');
        expect(envelope).not.toHaveProperty('deliveryAttempt');
        expect(envelope.message).toEqual({
          data: Buffer.from('{"a":"ü"}').toString('base64'),
          attributes: { event_type: 'outcome', event_id: 'e1' },
          messageId: ids[0],
          message_id: ids[0],
          publishTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
          publish_time: envelope.message.publishTime,
        });
      }
    });

    test('a batch gets distinct ids in its order', async () => {
      const { bus, recorder, until } = await make({
        topics: ['topic'],
        subscriptions: [{ name: 'sub', topic: 'topic' }],
      });
      const texts = Array.from({ length: 20 }, (_, i) => `message ${i}`);
      const ids = await bus.publish(
        'topic',
        texts.map((text) => message(text, { n: text })),
      );
      expect(new Set(ids).size).toBe(20);
      await until(() => recorder.pushes.length === 20);
      const textOf = new Map(recorder.pushes.map((push) => [push.envelope.message.messageId, push.text]));
      expect(ids.map((id) => textOf.get(id))).toEqual(texts);
    });

    test('an unknown topic is refused', async () => {
      const { bus } = await make({ topics: ['topic'], subscriptions: [{ name: 'sub', topic: 'topic' }] });
      expect(await codeOf(bus.publish('nowhere', [message('x')]))).toBe('topic_unknown');
    });

    test.skipIf(waivers['size limit'])('one message too large refuses the whole batch', async () => {
      const { bus, recorder, until } = await make({
        topics: ['topic'],
        subscriptions: [{ name: 'sub', topic: 'topic' }],
      });
      const large = { data: new Uint8Array(MAX_EVENT_BYTES + 1), attributes: {} };
      expect(await codeOf(bus.publish('topic', [message('before'), large]))).toBe('event_too_large');
      await bus.publish('topic', [{ data: new Uint8Array(MAX_EVENT_BYTES), attributes: {} }]);
      await until(() => recorder.pushes.length > 0);
      expect(recorder.pushes.map((push) => push.text.length)).toEqual([MAX_EVENT_BYTES]);
    });

    test.skipIf(waivers['size limit'])(
      'a topic that takes more than the others takes so much and no more',
      async () => {
        const { bus, recorder, until } = await make({
          topics: ['large', 'topic'],
          topicLimits: { large: 3 * MAX_EVENT_BYTES },
          subscriptions: [{ name: 'sub', topic: 'large' }],
        });
        const data = new Uint8Array(3 * MAX_EVENT_BYTES);
        expect(await codeOf(bus.publish('topic', [{ data, attributes: {} }]))).toBe('event_too_large');
        expect(await codeOf(bus.publish('large', [{ data: new Uint8Array([...data, 0]), attributes: {} }]))).toBe(
          'event_too_large',
        );
        await bus.publish('large', [{ data, attributes: {} }]);
        await until(() => recorder.pushes.length > 0);
        expect(recorder.pushes.map((push) => push.text.length)).toEqual([data.length]);
      },
    );

    test('a refused push comes again until it is acknowledged, and then no more', async () => {
      const { bus, recorder, until } = await make({
        topics: ['topic'],
        subscriptions: [{ name: 'sub', topic: 'topic' }],
      });
      const refusals = [500, 404, 302, 503];
      recorder.script((push, nth) => (push.text === 'wanted' ? (refusals[nth - 1] ?? 200) : 204));
      await bus.publish('topic', [message('wanted')]);
      await until(() => recorder.pushes.length === refusals.length + 1);
      await bus.publish('topic', [message('later')]);
      await until(() => recorder.pushes.some((push) => push.text === 'later'));
      expect(recorder.pushes.map((push) => push.text)).toEqual([...refusals.map(() => 'wanted'), 'wanted', 'later']);
      expect(new Set(recorder.pushes.slice(0, -1).map((push) => push.envelope.message.messageId)).size).toBe(1);
    });

    test.each([200, 201, 202, 204].filter((status) => status !== 202 || waivers['202 acknowledges'] === undefined))(
      '%i acknowledges',
      async (status) => {
        const { bus, recorder, until } = await make({
          topics: ['topic'],
          subscriptions: [{ name: 'sub', topic: 'topic', ordered: true }],
        });
        recorder.script(() => status);
        await bus.publish('topic', [message('first', {}, 'k'), message('second', {}, 'k')]);
        await until(() => recorder.pushes.length === 2);
        expect(recorder.pushes.map((push) => push.text)).toEqual(['first', 'second']);
      },
    );

    test('after the last attempt the message moves to the dead-letter topic, with its origin', async () => {
      const { bus, recorder, until } = await make({
        topics: ['topic', 't-dead'],
        subscriptions: [
          { name: 'sub', topic: 'topic', maxAttempts: 5, deadLetterTopic: 't-dead' },
          { name: 'undertaker', topic: 't-dead' },
        ],
      });
      recorder.script((push) => (push.path === '/sub' ? 500 : 204));
      await bus.publish('topic', [message('poison', { event_id: 'e7' })]);
      await until(() => recorder.to('/undertaker').length === 1);
      expect(recorder.to('/sub').length).toBe(5);
      const [forwarded] = recorder.to('/undertaker');
      expect(forwarded?.text).toBe('poison');
      expect(forwarded?.envelope.message.attributes).toMatchObject({
        event_id: 'e7',
        CloudPubSubDeadLetterSourceSubscription: 'sub',
        CloudPubSubDeadLetterSourceDeliveryCount: '5',
        CloudPubSubDeadLetterSourceTopicPublishTime: recorder.to('/sub')[0]?.envelope.message.publishTime,
      });
    });

    test.skipIf(waivers['delivery attempt'])(
      'deliveryAttempt counts from 1 where there is a dead-letter topic',
      async () => {
        const { bus, recorder, until } = await make({
          topics: ['topic', 't-dead'],
          subscriptions: [{ name: 'sub', topic: 'topic', maxAttempts: 5, deadLetterTopic: 't-dead' }],
        });
        recorder.script((_push, nth) => (nth < 3 ? 500 : 204));
        await bus.publish('topic', [message('x')]);
        await until(() => recorder.pushes.length === 3);
        expect(recorder.pushes.map((push) => push.envelope.deliveryAttempt)).toEqual([1, 2, 3]);
      },
    );

    test('messages of one ordering key come one after the other; other keys do not wait', async () => {
      const { bus, recorder, until } = await make({
        topics: ['topic'],
        subscriptions: [{ name: 'sub', topic: 'topic', ordered: true }],
      });
      let blocked = true;
      recorder.script((push) => (push.text === 'a1' && blocked ? 503 : 204));
      await bus.publish('topic', [message('a1', {}, 'a'), message('a2', {}, 'a'), message('b1', {}, 'b')]);
      await bus.publish('topic', [message('a3', {}, 'a'), message('b2', {}, 'b')]);
      await until(() => recorder.pushes.some((push) => push.text === 'b2'));
      await until(() => recorder.pushes.filter((push) => push.text === 'a1').length >= 2);
      expect(recorder.pushes.map((push) => push.text)).not.toContain('a2');
      blocked = false;
      await until(() => recorder.pushes.some((push) => push.text === 'a3'));
      const firsts = (key: string): string[] => [
        ...new Set(recorder.pushes.map((push) => push.text).filter((text) => text.startsWith(key))),
      ];
      expect(firsts('a')).toEqual(['a1', 'a2', 'a3']);
      expect(firsts('b')).toEqual(['b1', 'b2']);
    });

    test.skipIf(waivers['ordering key in the envelope'])('the envelope carries the ordering key', async () => {
      const { bus, recorder, until } = await make({
        topics: ['topic'],
        subscriptions: [{ name: 'sub', topic: 'topic', ordered: true }],
      });
      await bus.publish('topic', [message('x', {}, 'vast')]);
      await until(() => recorder.pushes.length === 1);
      expect(recorder.pushes[0]?.envelope.message.orderingKey).toBe('vast');
    });

    test('a subscription that fails does not hold up another', async () => {
      const { bus, recorder, until } = await make({
        topics: ['topic'],
        subscriptions: [
          { name: 'broken', topic: 'topic' },
          { name: 'sound', topic: 'topic' },
        ],
      });
      recorder.script((push) => (push.path === '/broken' ? 500 : 204));
      for (let i = 0; i < 10; i++) await bus.publish('topic', [message(`m${i}`)]);
      await until(() => recorder.to('/sound').length === 10);
      expect(new Set(recorder.to('/sound').map((push) => push.text)).size).toBe(10);
    });

    test.skipIf(waivers['bound in flight'])('no more pushes are open than the subscription allows', async () => {
      const { bus, recorder, until } = await make({
        topics: ['topic'],
        subscriptions: [{ name: 'sub', topic: 'topic', maxInFlight: 3 }],
      });
      recorder.script(() => null);
      await bus.publish(
        'topic',
        Array.from({ length: 10 }, (_, i) => message(`m${i}`)),
      );
      for (let answered = 0; answered < 10; ) {
        await until(() => recorder.openPushes() === Math.min(3, 10 - answered));
        answered += recorder.openPushes();
        recorder.release(204);
      }
      expect(recorder.pushes).toHaveLength(10);
      expect(recorder.mostOpen()).toBe(3);
    });

    test('a closed bus refuses, and may be closed again', async () => {
      const { bus } = await make({ topics: ['topic'], subscriptions: [{ name: 'sub', topic: 'topic' }] });
      await bus.close();
      await bus.close();
      expect(await codeOf(bus.publish('topic', [message('x')]))).toBe('bus_unavailable');
    });
  });
}

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createEmbeddedBus, type EmbeddedBus } from '#shared/adapters/bus/embedded/index.ts';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { startChild } from '#test/support/child.ts';
import { STORE_DAMAGES } from '#test/support/store-damage.ts';
import { type BusHarness, type BusSetup, busContract, codeOf } from './bus.ts';
import { message } from './bus-message.ts';
import { type PushRecorder, startRecorder } from './bus-recorder.ts';
import { subscription } from './bus-subscription.ts';

/** Whoever looked at every turn of the loop would take the processor from what it waits for. */
const LOOK_EVERY_MS = 2;

/** The machine's clock with backoffs of milliseconds: nothing here waits for a time, only for a push. */
async function harness(setup: BusSetup, inProcess: boolean): Promise<BusHarness> {
  const directory = await mkdtemp(join(tmpdir(), 'aurora-bus-'));
  const recorder = await startRecorder();
  const bus = await createEmbeddedBus({
    file: join(directory, 'bus.sqlite'),
    topics: setup.topics,
    ...(setup.topicLimits === undefined ? {} : { topicLimits: setup.topicLimits }),
    subscriptions: setup.subscriptions.map((subscription) => ({
      pushUrl: null,
      ackDeadlineMs: 60_000,
      minBackoffMs: 1,
      maxBackoffMs: 20,
      maxAttempts: 100,
      deadLetterTopic: null,
      ordered: false,
      maxInFlight: 8,
      ...subscription,
    })),
    hostClock,
    random: () => 0.5,
    inProcess,
  });
  await bus.start(setup.subscriptions.map(({ name }) => ({ name, pushUrl: recorder.url(`/${name}`) })));
  return {
    bus,
    recorder,
    async until(condition) {
      while (!condition()) await sleep(LOOK_EVERY_MS);
    },
    async dispose() {
      recorder.script(() => 204);
      recorder.release(204);
      await bus.close();
      await recorder.close();
      await rm(directory, { recursive: true });
    },
  };
}

busContract('embedded, in a worker', (setup) => harness(setup, false));
busContract('embedded, in process', (setup) => harness(setup, true));

const publisher = fileURLToPath(new URL('./bus-publisher.ts', import.meta.url));

describe('embedded bus and its file', () => {
  let directory: string;
  let file: string;
  let recorder: PushRecorder;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'aurora-bus-'));
    file = join(directory, 'bus.sqlite');
    recorder = await startRecorder();
  });
  afterEach(async () => {
    await recorder.close();
    await rm(directory, { recursive: true });
  });

  const open = (): Promise<EmbeddedBus> =>
    createEmbeddedBus({
      file,
      topics: ['t'],
      subscriptions: [subscription('s', 't', { minBackoffMs: 1, maxBackoffMs: 20 })],
      hostClock,
      random: () => 0.5,
    });
  const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
    while (!(await condition())) await sleep(LOOK_EVERY_MS);
  };
  const integrity = (): unknown => {
    const database = new DatabaseSync(file);
    const answer = database.prepare('PRAGMA integrity_check').get();
    database.close();
    return answer?.['integrity_check'];
  };
  /** Publishes from a process of its own until `lines` messages were acknowledged, then kill -9. */
  async function publishAndDie(name: string, lines: number, pushUrl?: string): Promise<string[]> {
    const {
      child,
      linesReach,
      lines: acknowledged,
    } = startChild(publisher, [file, name, ...(pushUrl ? [pushUrl] : [])]);
    await linesReach(lines);
    child.kill('SIGKILL');
    await once(child, 'close');
    return acknowledged();
  }
  const delivered = (): string[] =>
    recorder.pushes.map(({ envelope, text }) => `${envelope.message.messageId} ${text}`);

  test('kill -9 while publishing: each acknowledged message is there exactly once', async () => {
    const acknowledged: string[] = [];
    for (const [name, lines] of [
      ['one', 50],
      ['two', 200],
      ['three', 411],
    ] as const)
      acknowledged.push(...(await publishAndDie(name, lines)));
    expect(integrity()).toBe('ok');
    const bus = await open();
    await bus.start([{ name: 's', pushUrl: recorder.url('/s') }]);
    await until(async () => (await bus.stats()).every(({ backlog }) => backlog === 0));
    await bus.close();
    const got = delivered();
    const once = new Set(got);
    expect(once.size).toBe(got.length);
    expect(acknowledged.length).toBeGreaterThanOrEqual(661);
    expect(acknowledged.filter((line) => !once.has(line))).toEqual([]);
    // A batch is there whole or not at all, acknowledged or not.
    const halves = got.map((line) => line.split(' ')[1] ?? '').filter((text) => text.endsWith('/a'));
    expect(halves.length * 2).toBe(got.length);
  });

  test('kill -9 while delivering: what was not acknowledged comes again, what was does not', async () => {
    recorder.script((_push, nth) => (recorder.pushes.length % 10 === 0 && nth === 1 ? null : 204));
    const acknowledged = await publishAndDie('one', 300, recorder.url('/s'));
    await until(() => recorder.openPushes() === 0);
    const before = new Set(delivered());
    const pushes = recorder.pushes.length;
    recorder.script(() => 204);
    const bus = await open();
    await bus.start([{ name: 's', pushUrl: recorder.url('/s') }]);
    await until(async () => (await bus.stats()).every(({ backlog }) => backlog === 0));
    await bus.close();
    const got = delivered();
    const all = new Set(got);
    expect(acknowledged.filter((line) => !all.has(line))).toEqual([]);
    // At most the places in flight can have been answered without the answer being written.
    const again = got.slice(pushes).filter((line) => before.has(line));
    expect(again.length).toBeLessThanOrEqual(10);
  });

  test('two processes at one file wait for each other and corrupt nothing', async () => {
    const [one, two] = await Promise.all([publishAndDie('one', 300), publishAndDie('two', 300)]);
    expect(integrity()).toBe('ok');
    const bus = await open();
    expect((await bus.stats())[0]?.backlog).toBeGreaterThanOrEqual(one.length + two.length);
    await bus.close();
    const ids = [...one, ...two].map((line) => line.split(' ')[0]);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('a subscriber that is not there yet gets its messages when it is', async () => {
    const bus = await open();
    const late = await startRecorder();
    const url = late.url('/s');
    await late.close();
    await bus.start([{ name: 's', pushUrl: url }]);
    await bus.publish('t', [message('x')]);
    await bus.start([{ name: 's', pushUrl: recorder.url('/s') }]);
    await until(() => recorder.pushes.length === 1);
    expect(recorder.pushes[0]?.text).toBe('x');
    await bus.close();
  });

  test.each([false, true])(
    'a push without an answer is cut off at the ack deadline (in process: %s)',
    async (inProcess) => {
      const bus = await createEmbeddedBus({
        file,
        topics: ['t'],
        subscriptions: [
          subscription('s', 't', { ackDeadlineMs: 30, minBackoffMs: 1, maxAttempts: 2, deadLetterTopic: 't-dead' }),
        ],
        hostClock,
        random: () => 0,
        inProcess,
      });
      recorder.script(() => null);
      await bus.start([{ name: 's', pushUrl: recorder.url('/s') }]);
      await bus.publish('t', [message('x')]);
      await until(async () => (await bus.countDeadLetters()) === 1);
      expect(await bus.deadLetters(1)).toMatchObject([{ lastError: 'timeout', deliveryAttempts: 2 }]);
      await until(() => recorder.openPushes() === 0);
      await bus.close();
    },
  );

  test('a view into a larger buffer travels alone', async () => {
    const bus = await open();
    const large = new TextEncoder().encode('before|wanted|after');
    await bus.publish('t', [{ data: large.subarray(7, 13), attributes: {} }]);
    await bus.start([{ name: 's', pushUrl: recorder.url('/s') }]);
    await until(() => recorder.pushes.length === 1);
    expect(recorder.pushes[0]?.text).toBe('wanted');
    await bus.close();
  });

  test.each(STORE_DAMAGES)(
    'a file that is damaged (%s) is refused by its name, in a thread or not',
    async (_, damage) => {
      const bus = await open();
      for (let i = 0; i < 20; i++) await bus.publish('t', [message('x'.repeat(4_000))]);
      await damage(file, () => bus.close());
      for (const inProcess of [true, false]) {
        const opening = createEmbeddedBus({
          file,
          topics: [],
          subscriptions: [],
          hostClock,
          random: () => 0,
          inProcess,
        });
        const error = await opening.catch((reason: unknown) => reason);
        expect(error).toMatchObject({
          code: 'store_corrupt',
          retryable: false,
          message: expect.stringContaining(file),
        });
      }
    },
  );

  test.each([false, true])('a file of a newer schema is refused (in process: %s)', async (inProcess) => {
    const database = new DatabaseSync(file);
    database.exec('PRAGMA user_version = 999');
    database.close();
    const opening = createEmbeddedBus({ file, topics: [], subscriptions: [], hostClock, random: () => 0, inProcess });
    expect(await codeOf(opening)).toBe('bus_unavailable');
  });

  test('errors keep their code and message across the thread', async () => {
    const bus = await open();
    const error = await bus.publish('nowhere', [message('x')]).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'topic_unknown', retryable: false, status: 400 });
    expect(String(error)).toContain('topic "nowhere" is not one of t');
    await bus.close();
  });
});

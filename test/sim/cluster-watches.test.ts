import { IncomingMessage, request, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { watch } from '#sim/cluster/api/watch.ts';
import { head } from '#sim/cluster/objects/object.ts';
import { createStore } from '#sim/cluster/store.ts';
import { fakeClock } from '#test/support/clock.ts';
import { ask, askApi, type House, type Item, listOf, openCluster, START_MS } from './cluster-house.ts';

let house: House;
beforeAll(async () => {
  house = await openCluster();
});
afterEach(() => house.cluster.faults.set([]));
afterAll(() => house.cluster.close());

const PODS = '/api/v1/namespaces/vaultmesh/pods';

interface Event {
  readonly type: string;
  readonly object: Item & { readonly code?: number };
}

/** A watch; `reaches` waits for so many events. */
function watchOf(path: string) {
  const events: Event[] = [];
  let changed: () => void = () => undefined;
  let text = '';
  const asked = request(`${house.cluster.apiUrl}${path}`, {
    agent: false,
    headers: { authorization: `Bearer ${house.cluster.token}` },
  });
  const ended = new Promise<void>((resolve) => {
    asked.once('close', () => resolve());
    asked.once('error', () => resolve());
  });
  const begun = new Promise<number | undefined>((resolve) => {
    asked.once('response', ({ statusCode }) => resolve(statusCode));
  });
  asked.once('response', (response) => {
    response.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      events.push(...lines.map((line) => JSON.parse(line) as Event));
      changed();
    });
  });
  asked.end();
  return {
    begun,
    ended,
    stop: () => asked.destroy(),
    async reaches(count: number): Promise<readonly Event[]> {
      while (events.length < count)
        await new Promise<void>((resolve) => {
          changed = resolve;
        });
      return events;
    },
  };
}

describe('watches', () => {
  const told = (events: readonly Event[]) =>
    events.map(({ type, object }) => `${type} ${object.metadata.labels?.['app']}`);

  test('from a list on: what is modified, what goes, what comes', async () => {
    const { metadata } = await listOf(house, `${PODS}?labelSelector=app=aurora-router`);
    const stream = watchOf(
      `${PODS}?labelSelector=app=aurora-router&watch=true&resourceVersion=${metadata.resourceVersion}`,
    );
    house.cluster.faults.set(['pod_not_ready']);
    expect(told(await stream.reaches(1))).toEqual(['MODIFIED aurora-router']);
    house.cluster.faults.set(['pod_missing']);
    await stream.reaches(3);
    house.cluster.faults.set([]);
    const events = await stream.reaches(5);
    expect(told(events)).toEqual([
      'MODIFIED aurora-router',
      'DELETED aurora-router',
      'DELETED aurora-router',
      'ADDED aurora-router',
      'ADDED aurora-router',
    ]);
    const versions = events.map(({ object }) => Number(object.metadata.resourceVersion));
    expect(versions).toEqual([...versions].sort((a, b) => a - b));
    expect(versions[0]).toBeGreaterThan(Number(metadata.resourceVersion));
    stream.stop();
  });

  test('what changed between the list and the watch is not lost', async () => {
    const { metadata } = await listOf(house, PODS);
    house.cluster.faults.set(['pod_not_ready']);
    house.cluster.faults.set([]);
    const stream = watchOf(`${PODS}?watch=1&resourceVersion=${metadata.resourceVersion}`);
    expect(told(await stream.reaches(2))).toEqual(['MODIFIED aurora-router', 'MODIFIED aurora-router']);
    stream.stop();
  });

  test('an object that no longer fits the selector is gone for whoever asked by it', async () => {
    const stream = watchOf(`${PODS}?watch=true&fieldSelector=status.phase=Running&labelSelector=app=aurora-router`);
    expect(told(await stream.reaches(2))).toEqual(['ADDED aurora-router', 'ADDED aurora-router']);
    house.cluster.faults.set(['pod_image_pull']);
    house.cluster.faults.set([]);
    expect(told(await stream.reaches(4)).slice(2)).toEqual(['DELETED aurora-router', 'ADDED aurora-router']);
    stream.stop();
  });

  test('from a version that is forgotten: one event that says so, and the end', async () => {
    const stream = watchOf(`${PODS}?watch=true&resourceVersion=1`);
    const [event] = await stream.reaches(1);
    expect(event).toMatchObject({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } });
    await stream.ended;
  });

  test('begin at once, also when there is nothing to tell', async () => {
    const { metadata } = await listOf(house, PODS);
    const stream = watchOf(`${PODS}?watch=true&resourceVersion=${metadata.resourceVersion}`);
    expect(await stream.begun).toBe(200);
    stream.stop();
  });

  test('end when their time is over, and there are no more than so many', async () => {
    const short = watchOf(`${PODS}?watch=true&timeoutSeconds=7`);
    await short.reaches(5);
    await house.clock.advance(7_000);
    await short.ended;
    const many = Array.from({ length: 64 }, () => watchOf(`${PODS}?watch=true`));
    await Promise.all(many.map((stream) => stream.reaches(5)));
    expect((await askApi(house, `${PODS}?watch=true`))?.status).toBe(429);
    for (const stream of many) stream.stop();
    await Promise.all(many.map(({ ended }) => ended));
  });
});

class Deaf extends Socket {
  override _write(): void {
    // Its other end takes nothing: no write is ever over.
  }
}

test('whoever is too far behind is cut off, and nothing is kept for him', async () => {
  const [store, clock, socket] = [createStore(), fakeClock(), new Deaf()];
  const response = new ServerResponse(new IncomingMessage(socket));
  response.assignSocket(socket);
  const closed = new Promise<void>((resolve) => response.once('close', () => resolve()));
  const pod = head({ apiVersion: 'v1', kind: 'Pod', name: 'one', namespace: 'vaultmesh', createdMs: START_MS });
  const change = (n: number): void => store.sync([{ ...pod, status: { message: 'x'.repeat(1024), n } }]);
  watch(response, store, clock, { kind: 'Pod', selects: () => true, from: null, forMs: 60_000, show: (one) => one });
  for (let n = 0; n < 400; n += 1) change(n);
  expect(response.destroyed).toBe(false);
  for (let n = 400; n < 600; n += 1) change(n);
  expect(response.destroyed).toBe(true);
  await closed;
  expect(clock.pending()).toBe(0);
});

test('closing ends what is open, and leaves nothing behind', async () => {
  const own = await openCluster();
  const before = house;
  house = own;
  const stream = watchOf(`${PODS}?watch=true`);
  await stream.reaches(5);
  await own.cluster.close();
  await stream.ended;
  house = before;
  expect(await ask(own.cluster.apiUrl, '/readyz')).toBeNull();
  expect(own.clock.pending()).toBe(0);
});

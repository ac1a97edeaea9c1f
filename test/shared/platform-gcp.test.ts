/** The platform of the cloud, whole, against fakes that speak the REST APIs; Pub/Sub has its own test, on Google's emulator. */
import { createServer } from 'node:http';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { parseConfig } from '#shared/config.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { Platform } from '#shared/platform.ts';
import { createPlatform } from '#shared/platform-choice.ts';
import { decisionIds } from '#shared/queries/event-ids.ts';
import { TOPICS } from '#shared/topology.ts';
import { decisionPayload, rowOf } from '#test/contract/warehouse-rows.ts';
import { type BigqueryFake, DATASET, PROJECT, startBigqueryFake } from '#test/support/bigquery/server.ts';
import { BUCKET, type GcsFake, startGcsFake } from '#test/support/gcs/server.ts';
import { closeServer, listenOnLoopback } from '#test/support/loopback.ts';
import { memoryLog } from '#test/support/runtime.ts';

let storage: GcsFake;
let bigquery: BigqueryFake;
const opened: Platform[] = [];
beforeEach(async () => {
  [storage, bigquery] = await Promise.all([startGcsFake(), startBigqueryFake()]);
});
afterEach(async () => {
  for (const platform of opened.splice(0)) await platform.close();
  await Promise.all([storage.close(), bigquery.close()]);
});

async function open(more: Readonly<Record<string, string>> = {}): Promise<Platform> {
  const config = parseConfig({
    AURORA_PLATFORM: 'gcp',
    AURORA_PROJECT: PROJECT,
    AURORA_BUCKET: BUCKET,
    AURORA_DATASET: DATASET,
    AURORA_LOCATION: 'EU',
    AURORA_STORAGE_ENDPOINT: storage.endpoint,
    AURORA_BIGQUERY_ENDPOINT: bigquery.endpoint,
    AURORA_PUBSUB_ENDPOINT: '127.0.0.1:1',
    ...more,
  });
  const platform = await createPlatform({ config, hostClock, log: memoryLog(), random: () => 0.5 });
  opened.push(platform);
  return platform;
}

describe('the platform of the cloud', () => {
  test('asks nobody anything before it is used', async () => {
    await open();
    expect([...storage.requests, ...bigquery.requests]).toEqual([]);
  });

  test('instances share objects, state and the salt', async () => {
    const [one, other] = [await open(), await open()];
    await (await one.objects()).write('offers/current.json', Buffer.from('{}'), {});
    expect(await (await other.objects()).read('offers/current.json')).toMatchObject({ size: 2 });
    expect(await (await one.state()).create('lease/train', 'mine')).toMatchObject({ created: true });
    expect(await (await other.state()).create('lease/train', 'yours')).toMatchObject({ created: false });
    const [salt, same] = await Promise.all([one.salt(), other.salt()]);
    expect(salt).toEqual(same);
    expect(salt.secret).toMatch(/^[0-9a-f]{64}$/);
  });

  test('what one appends another queries', async () => {
    const [one, other] = [await open(), await open()];
    await (await one.warehouse()).append('routing_decisions', [rowOf('routing-decision', decisionPayload('d1'))]);
    expect(await (await other.warehouse()).query(decisionIds, {})).toMatchObject([{ decision_id: 'd1', copies: 1 }]);
  });

  test('a topic that is not ours is refused before anybody is asked; how much waits, it cannot say', async () => {
    const platform = await open();
    expect(await platform.backlog('deploy-deployments-requested')).toBeNull();
    const bus = await platform.bus();
    await expect(bus.publish('nowhere', [])).rejects.toMatchObject({ code: 'topic_unknown' });
  });

  test('dead letters are counted over all topics, by the ambient identity, and Pub/Sub is not asked', async () => {
    const asked: string[] = [];
    const point = { interval: { endTime: rfc3339(hostClock.now()) }, value: { int64Value: '2' } };
    const of = (name: string) => ({ resource: { labels: { subscription_id: name } }, points: [point] });
    const server = createServer(({ url = '', headers }, response) => {
      asked.push(`${url.split('?')[0]} ${headers.authorization ?? headers['metadata-flavor']}`);
      if (url.endsWith('/token')) response.end(JSON.stringify({ access_token: 'a-token', expires_in: 3_600 }));
      else response.end(JSON.stringify({ timeSeries: TOPICS.map((topic) => of(`${topic}-dead-letter`)) }));
    });
    onTestFinished(() => closeServer(server));
    const google = await listenOnLoopback(server);
    const platform = await open({ AURORA_MONITORING_ENDPOINT: google, AURORA_METADATA_ENDPOINT: google });
    expect(await platform.countDeadLetters()).toMatchObject({
      count: 2 * TOPICS.length,
      lookedAt: `num_undelivered_messages of ${TOPICS.length} subscriptions in Cloud Monitoring`,
    });
    expect(asked).toEqual([
      '/computeMetadata/v1/instance/service-accounts/default/token Google',
      `/v3/projects/${PROJECT}/timeSeries Bearer a-token`,
    ]);
  });
});

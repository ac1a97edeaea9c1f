/** Jobs that the function probe publishes: by the bus of its platform, on topics that are none of ours. */
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { configuredProbes } from '#functions/probe/configured.ts';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { parseConfig } from '#shared/config.ts';
import { createPlatform } from '#shared/platform-choice.ts';
import { cloudEnvironment } from '#test/support/cloud.ts';
import { startPublisherFake } from '#test/support/pubsub/publisher-fake.ts';
import { memoryLog } from '#test/support/runtime.ts';

const SUITE = fileURLToPath(new URL('../../shared/probes/suites/staging.yaml', import.meta.url));
/** Nobody listens there. */
const NOWHERE = 'http://127.0.0.1:1';

async function house() {
  const pubsub = await startPublisherFake();
  const config = parseConfig({
    ...cloudEnvironment({ storage: NOWHERE, bigquery: NOWHERE, pubsub: pubsub.endpoint }),
    AURORA_PROBE: JSON.stringify({ suites: [SUITE] }),
  });
  const platform = await createPlatform({ config, hostClock, log: memoryLog(), random: () => 0.5 });
  const probes = await configuredProbes(platform);
  onTestFinished(async () => {
    await probes.close?.();
    await platform.close();
    await pubsub.close();
  });
  const publish = (topic: string, signal = new AbortController().signal): Promise<unknown> =>
    Promise.resolve(probes.tools().publishJob?.(topic, { x: [0] }, { deadline: hostClock.now() + 10_000, signal }));
  return { pubsub, publish };
}

test('a job is JSON, without what events of ours have', async () => {
  const { pubsub, publish } = await house();
  await publish('vaultmesh-psi-jobs');
  await publish('projects/vm-spawn/topics/vaultmesh-psi-jobs');
  const job = { topic: 'vaultmesh-psi-jobs', text: '{"x":[0]}', attributes: {} };
  expect(pubsub.taken).toEqual([job, job]);
  expect(pubsub.topics).toEqual([
    'projects/aurora-test/topics/vaultmesh-psi-jobs',
    'projects/vm-spawn/topics/vaultmesh-psi-jobs',
  ]);
});

test('no topic of ours takes one, nor does a run that is broken off', async () => {
  const { pubsub, publish } = await house();
  for (const topic of ['routing-outcomes', 'routing-outcomes-dead-letter', 'projects/p/topics/probe-results'])
    await expect(publish(topic)).rejects.toMatchObject({ code: 'topic_unknown' });
  await expect(publish('vaultmesh-psi-jobs', AbortSignal.abort(new Error('broken off')))).rejects.toThrow('broken off');
  expect(pubsub.requests).toBe(0);
});

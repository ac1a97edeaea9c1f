/** Jobs on the bus of this machine: the simulated services take them, KEDA scales by what waits, and the check of `vm smoke` sees 0 -> 1 -> 0. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { readSuite } from '#cli/smoke/suites.ts';
import { scaleToZeroCheck } from '#shared/probes/checks/scale-to-zero.ts';
import { runSuite } from '#shared/probes/run.ts';
import { codedError } from '#shared/runtime/answers.ts';
import { COOLDOWN_MS, type JobsHouse, openJobsHouse, POLL_MS } from '#test/support/jobs-house.ts';

const PSI = 'vaultmesh-psi-jobs-sub';

describe('jobs on the bus', () => {
  let house: JobsHouse;
  beforeAll(async () => {
    house = await openJobsHouse();
  });
  afterAll(() => house.close());
  afterEach(async () => {
    await house.fault();
    await house.fed(2 * COOLDOWN_MS);
    expect(await house.replicas()).toBe(1);
    expect(await (await house.platform.bus()).countDeadLetters()).toBe(0);
  });

  const asleep = async (): Promise<void> => {
    await house.fault('no_work');
    await house.time.pass(COOLDOWN_MS + 5_000);
    expect([await house.replicas(), await house.replicas('scheduler')]).toEqual([0, 0]);
    expect(await house.platform.backlog(PSI)).toBe(0);
  };
  const attempt = async (spec: object) => {
    const tools = house.tools();
    const context = { deadline: house.time.clock.now() + 1_100_000, signal: new AbortController().signal };
    const look = scaleToZeroCheck.bind(spec, { namespace: 'vaultmesh' })(tools, context);
    return house.time.during(look.catch((error: unknown) => ({ thrown: codedError(error) })));
  };

  test('a feed keeps who works them off awake, at one replica, and what waits does not grow', async () => {
    const most: number[] = [];
    for (let seconds = 0; seconds < 60; seconds += 1) {
      await house.fed(1_000);
      most.push((await house.platform.backlog(PSI)) ?? Number.NaN);
      expect([await house.replicas(), await house.replicas('scheduler')]).toEqual([1, 1]);
    }
    // Two seconds a job: they are taken.
    expect(Math.min(...most)).toBeGreaterThan(0);
    expect(Math.max(...most)).toBe(2);
  });

  test('without work they fall asleep; the suite scaling sees one wake for its job, and sleep again', async () => {
    await asleep();
    const suite = readSuite('scaling', { variables: { namespace: 'vaultmesh' }, loopback: true });
    const report = await house.time.during(
      runSuite({
        suite,
        tools: house.tools(),
        runId: 'run',
        signal: new AbortController().signal,
        only: null,
      }),
    );
    expect(report.results.map(({ check_id, status }) => `${check_id} ${status}`)).toEqual([
      'cluster pass',
      'keda-operator pass',
      'psi-field-scaler pass',
      'scheduler-scaler pass',
      'gpu-job-scaler pass',
      'psi-field-wakes-and-sleeps pass',
    ]);
    const evidence = report.results.at(-1)?.evidence;
    expect(evidence).toMatchObject({ topic: 'vaultmesh-psi-jobs', up: 'reached', down: 'reached', replicas: 0 });
    expect(evidence?.['up_ms']).toBeLessThan(3 * POLL_MS);
    expect(evidence?.['down_ms']).toBeGreaterThanOrEqual(COOLDOWN_MS);
    expect(await house.platform.backlog(PSI)).toBe(0);
  });

  test('a job that nobody takes keeps its replica: it waits, and is never given up', async () => {
    await asleep();
    await house.fault('no_work', 'psi_down');
    expect(await attempt({ down_s: 120 })).toMatchObject({
      status: 'fail',
      evidence: { up: 'reached', down: 'late', down_ms: 120_000, replicas: 1, available: 1 },
      remedy: expect.stringContaining('whether the job was taken (backlog of vaultmesh-psi-jobs-sub)'),
    });
    expect(await house.platform.backlog(PSI)).toBe(1);
    await house.fault('no_work');
    await house.time.pass(10_000);
    expect(await house.platform.backlog(PSI)).toBe(0);
  });

  test('a scaler that is stuck, and says that all is well, keeps a replica without work', async () => {
    await house.fault('no_work', 'scaler_stuck');
    expect(await attempt({ down_s: 60 })).toMatchObject({
      status: 'fail',
      evidence: { zero_at_first: 'late', up: null, replicas: 1 },
      remedy: expect.stringContaining('It was not at zero within 60 s'),
    });
  });

  test.each(['scaler_stuck', 'keda_down'])('%s: no replica comes for a job, which waits', async (fault) => {
    await asleep();
    await house.fault('no_work', fault);
    expect(await attempt({ up_s: 60 })).toMatchObject({
      status: 'fail',
      evidence: { zero_at_first: 'reached', up: 'late', down: null, replicas: 0 },
      remedy: expect.stringContaining('No replica came for a job within 60 s'),
    });
    expect(await house.platform.backlog(PSI)).toBe(1);
  });

  test.each([
    ['routing-decisions', 'topic_unknown', 'is one of ours, which take events'],
    ['routing-decisions-dead-letter', 'topic_unknown', 'is one of ours, which take events'],
    ['projects/my-project/topics/routing-decisions', 'topic_unknown', 'is one of ours, which take events'],
    ['nobody-s-jobs', 'topic_unknown', '"nobody-s-jobs" is not one of'],
  ])('a job that may not be published, to %s, is no finding about the service', async (topic, code, message) => {
    await asleep();
    expect(await attempt({ topic })).toMatchObject({ thrown: { code, message: expect.stringContaining(message) } });
  });
});

test('a bus that is closed tells nobody what waits: replicas stay as they are', async () => {
  const house = await openJobsHouse();
  try {
    await house.fed(3 * POLL_MS);
    expect(await house.replicas()).toBe(1);
    await house.fault('no_work');
    await house.time.during((await house.platform.bus()).close());
    await house.time.pass(3 * COOLDOWN_MS);
    expect([await house.replicas(), await house.replicas('scheduler')]).toEqual([1, 1]);
    const [scaler] = await house.list('/apis/keda.sh/v1alpha1/namespaces/vaultmesh/scaledobjects');
    expect(scaler).toMatchObject({
      status: { conditions: expect.arrayContaining([expect.objectContaining({ type: 'Active', status: 'Unknown' })]) },
    });
  } finally {
    await house.close();
  }
});

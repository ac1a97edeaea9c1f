import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { scoreAnswer } from '#shared/domain/score.ts';
import { runsDear } from '#test/support/dear.ts';
import { launchUp, type RunningStack, untilUp } from './running-stack.ts';
import { startVm, vm } from './vm-process.ts';

const REQUEST = {
  tenant_id: 'acme',
  workload_type: 'llm_inference',
  gpu_type: 'a100',
  region: 'us-west',
  gpu_hours: 4,
};

/** Attempts with their end on record before the training: twice what one needs at least, too few for a promotion. */
const ENOUGH_OUTCOMES = 100;

/** Of one test: a state directory, and stacks that run on it one after the other until each is stopped as a person would. */
async function house() {
  const directory = await mkdtemp(join(tmpdir(), 'aurora-loop-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const live = async <T>(options: Readonly<Record<string, string>>, use: (stack: RunningStack) => Promise<T>) => {
    const launched = launchUp(directory, { seed: '3', ...options });
    try {
      const result = await use(await untilUp(launched));
      expect((await launched.ended).stderr).toContain('SIGINT: draining');
      return result;
    } finally {
      await launched.kill();
    }
  };
  /** Lives until there is enough on record to train on. */
  const record = () =>
    live({ traffic: '40/s', speed: '20000' }, async (stack) => {
      const enough = await stack.status(({ outcomes }) => outcomes.distinct >= ENOUGH_OUTCOMES);
      expect(await stack.stop()).toBe(0);
      return enough;
    });
  return { directory, live, record };
}

test('the loop closes: decide, record, learn, judge, serve', { timeout: 240_000 }, async () => {
  const { directory, live, record } = await house();
  const before = await record();

  await live({ speed: '2000' }, async (stack) => {
    for (const [name, url] of stack.functions)
      await expect
        .poll(async () => (await fetch(`${url}/ready`)).status, { message: `${name} is ready`, timeout: 15_000 })
        .toBe(200);
    const after = await stack.status(() => true);
    expect(Date.parse(after.world_time)).toBeGreaterThanOrEqual(Date.parse(before.world_time));
    expect(after.decisions.distinct).toBeGreaterThanOrEqual(before.decisions.distinct);
    expect(after.outcomes.distinct).toBeGreaterThanOrEqual(before.outcomes.distinct);
    expect(after).toMatchObject({ rejected: 0, dead_letters: 0 });

    const version = await trained(directory, '1');
    await expectServed(stack, version);
    const judged = await stack.status(({ latest_model }) => latest_model?.verdict != null);
    expect(judged.latest_model).toEqual({ version, verdict: 'not-enough-evidence', stage: 'apprentice' });
    expect(await stack.stop()).toBe(0);
  });
});

test.skipIf(!runsDear)(
  'Ctrl-C in the middle of a training: it is not waited for, and the next start serves what is trained without a stack',
  { timeout: 240_000 },
  async () => {
    const { directory, live, record } = await house();
    await record();
    await live({ speed: '2000' }, async (stack) => {
      const training = startVm(['train', '--seed', '2', '--dir', directory]);
      try {
        await training.note('training on the record');
        expect(await stack.stop()).toBe(0);
        expect((await training.ended).code).toBe(2);
      } finally {
        await training.kill();
      }
    });

    const next = await trained(directory, '2');
    await live({ speed: '600' }, async (stack) => {
      await expectServed(stack, next);
      expect(await stack.stop()).toBe(0);
    });
  },
);

/** `vm train`, by whichever way it reaches a stack; answers the version. */
async function trained(directory: string, seed: string): Promise<string> {
  const { code, stdout, stderr } = await vm('train', '--json', '--seed', seed, '--dir', directory);
  expect(code, stderr).toBe(0);
  const { report, verdict } = JSON.parse(stdout);
  expect(['trained', 'known']).toContain(report.result);
  expect(report.rows).toBeGreaterThanOrEqual(50);
  expect(verdict.verdict).toBe('not-enough-evidence');
  expect(verdict.reasons.length).toBeGreaterThan(0);
  return report.version;
}

/** The version scores, as apprentice or as champion; the router logs it and decides. */
async function expectServed(stack: RunningStack, version: string): Promise<void> {
  const body = JSON.stringify(REQUEST);
  await expect
    .poll(async () => scoreAnswer.parse(await post(`${stack.url}/agent/route`, body)).model?.version, {
      timeout: 15_000,
    })
    .toBe(version);
  const scores = scoreAnswer.parse(await post(`${stack.url}/agent/route`, body));
  expect(scores.model).toMatchObject({ version });
  expect(scores.mode).toBe(scores.model?.stage);
  expect(scores.recommendations.length).toBeGreaterThan(1);
  for (const recommendation of scores.recommendations) {
    expect(recommendation).toMatchObject({
      expected_utility: expect.any(Number),
      rule_score: expect.any(Number),
      predicted: {
        ready: expect.any(Number),
        completed: expect.any(Number),
        usd_per_gpu_hour: expect.any(Number),
        latency_ms: expect.any(Number),
        ready_ms: expect.any(Number),
      },
    });
  }
  const total = scores.recommendations.reduce((sum, { probability }) => sum + probability, 0);
  expect(total).toBeCloseTo(1, 6);

  const answer = (await post(`${stack.url}/route`, body)) as Record<string, unknown>;
  expect(answer, JSON.stringify(answer)).toMatchObject({
    status: 'provisioning',
    model_version: version,
    fallback_reason: null,
  });
  expect(scores.recommendations.map(({ offer_id }) => offer_id)).toContain(answer['offer_id']);
}

async function post(url: string, body: string): Promise<unknown> {
  return (await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).json();
}

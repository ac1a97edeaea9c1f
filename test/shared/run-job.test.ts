import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createRunJob } from '#shared/adapters/google/run-job.ts';
import { fakeClock } from '#test/support/clock.ts';
import { closeServer, listenOnLoopback } from '#test/support/loopback.ts';

const JOB = 'projects/p/locations/europe-west1/jobs/aurora-train-job';

/** Cloud Run's API that answers so; null: never. */
async function serve(status: number | null) {
  const requests: { url: string; authorization: string | undefined; body: unknown }[] = [];
  const server = createServer(async (request, response) => {
    const { url = '', headers } = request;
    requests.push({ url, authorization: headers.authorization, body: JSON.parse(await text(request)) });
    if (status !== null) response.writeHead(status).end('{"name":"secret"}');
  });
  onTestFinished(() => closeServer(server));
  const clock = fakeClock();
  const origin = await listenOnLoopback(server);
  const run = createRunJob({ job: JOB, origin, token: async () => 'a-token', hostClock: clock });
  return { run, requests, clock };
}

test('a job is started with the variables of this execution, by the ambient identity', async () => {
  const { run, requests, clock } = await serve(200);
  await run({ AURORA_JOB_EVENT: '{"message":{}}' });
  expect(requests).toEqual([
    {
      url: `/v2/${JOB}:run`,
      authorization: 'Bearer a-token',
      body: { overrides: { containerOverrides: [{ env: [{ name: 'AURORA_JOB_EVENT', value: '{"message":{}}' }] }] } },
    },
  ]);
  expect(clock.pending()).toBe(0);
});

test.each([
  [403, 'HTTP 403; the service account needs roles/run.jobsExecutorWithOverrides on the job'],
  [404, 'HTTP 404; there is no such job, terraform makes it'],
  [429, 'HTTP 429'],
  [500, 'HTTP 500'],
])('%i says so, may be tried again, and tells neither token nor answer', async (status, why) => {
  const { run } = await serve(status);
  const error = await run({}).catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    code: 'upstream_unavailable',
    retryable: true,
    message: `start of ${JOB}: ${why}`,
  });
  expect(String(error)).not.toMatch(/secret|a-token/);
});

test('an API that never answers is given up', async () => {
  const { run, requests, clock } = await serve(null);
  const failing = run({}).catch((reason: unknown) => reason);
  await vi.waitUntil(() => requests.length === 1);
  await clock.advance(30_000);
  expect(await failing).toMatchObject({
    code: 'upstream_unavailable',
    message: expect.stringContaining('no answer within 30 s'),
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { PROVIDER_NAMES } from '#shared/config.ts';
import { trainingRequested } from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import { trainingKey } from '#shared/domain/training-report.ts';
import { ERROR_CATALOGUE } from '#shared/errors.ts';
import { compiledBefore, startChild } from '#test/support/child.ts';
import { inTheCloud, startCloud } from '#test/support/cloud.ts';

const SERVE = join(import.meta.dirname, '..', '..', 'functions', 'serve.ts');

/** How it ends, and the one JSON value that it says on stderr. */
async function serveInVain(environment: Readonly<Record<string, string>>): Promise<unknown> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', SERVE], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...compiledBefore(), PORT: '0', AURORA_LOG_LEVEL: 'silent', ...environment },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  expect(code).toBe(1);
  return JSON.parse(said);
}

test.each(['train', 'promote'])('%s alone, over a damaged store: says so and ends', async (target) => {
  const directory = await mkdtemp(join(tmpdir(), 'aurora-alone-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, 'warehouse.duckdb'), 'garbage');
  expect(await serveInVain({ FUNCTION_TARGET: target, AURORA_DIR: directory })).toMatchObject({
    error: { code: 'warehouse_corrupt', message: expect.stringContaining(directory) },
  });
});

test('in the cloud without a variable that it needs: names it, and where its value comes from', async () => {
  const given = { AURORA_PLATFORM: 'gcp', AURORA_PROJECT: 'my-project', AURORA_BUCKET: 'b-1', AURORA_LOCATION: 'EU' };
  expect(await serveInVain({ FUNCTION_TARGET: 'ingest', ...given })).toEqual({
    error: {
      code: 'config_invalid',
      message: 'AURORA_DATASET is not set: AURORA_PLATFORM=gcp needs the dataset that terraform made (output dataset)',
      remedy: ERROR_CATALOGUE.config_invalid.remedy,
    },
  });
});

test('route in the cloud, where nobody says who its callers are: refuses to start', async () => {
  const cloud = await startCloud();
  onTestFinished(() => cloud.close());
  const { AURORA_TENANTS: _, ...open } = cloud.environment;
  expect(await serveInVain({ FUNCTION_TARGET: 'route', ...open })).toEqual({
    error: {
      code: 'config_invalid',
      message:
        'AURORA_TENANTS is not set: route at 0.0.0.0 would deploy for whoever reaches it; say who its tenants are, or, with AURORA_AUDIENCE and AURORA_CALLERS, whose ID tokens it takes',
      remedy: ERROR_CATALOGUE.config_invalid.remedy,
    },
  });
});

test.each(['collect', 'deploy', 'watch'])(
  '%s without a key of any provider: says which it could have',
  async (target) => {
    const directory = await mkdtemp(join(tmpdir(), 'aurora-alone-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const variables = PROVIDER_NAMES.map((name) => `AURORA_PROVIDER_${name.toUpperCase()}_KEY`);
    expect(await serveInVain({ FUNCTION_TARGET: target, AURORA_DIR: directory })).toEqual({
      error: {
        code: 'config_invalid',
        message: `no provider has an account: set at least one of ${variables.join(', ')}`,
        remedy: ERROR_CATALOGUE.config_invalid.remedy,
      },
    });
  },
);

test('train as a job: handles the event that it is given, reports, and ends', async () => {
  const cloud = await startCloud();
  onTestFinished(() => cloud.close());
  const asked = { requested_at: '2026-11-30T00:00:00.000Z', requested_by: 'cron', force: false, seed: 1 };
  const { data, attributes } = encodeEvent(trainingRequested, asked);
  const message = { data: Buffer.from(data).toString('base64'), attributes, messageId: '1' };
  const job = { FUNCTION_TARGET: 'train', AURORA_JOB_EVENT: JSON.stringify({ message }) };
  const { child } = startChild(SERVE, [], { ...compiledBefore(), ...cloud.environment, ...job });
  onTestFinished(() => void child.kill('SIGKILL'));
  expect(await once(child, 'close')).toEqual([0, null]);
  const report = await inTheCloud(cloud, async (platform) =>
    (await platform.state()).get(trainingKey(trainingRequested.eventId(asked))),
  );
  expect(report?.value).toMatchObject({ result: 'skipped', reason: 'no outcome has arrived yet' });
});

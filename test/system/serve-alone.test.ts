import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { startChild } from '#test/support/child.ts';
import { cloudEnvironment } from '#test/support/cloud-environment.ts';
import { startGcsFake } from '#test/support/gcs/server.ts';

const SERVE = join(import.meta.dirname, '..', '..', 'functions', 'serve.ts');

test.each(['train', 'promote'])('%s alone, over a damaged store: says so and ends', async (target) => {
  const directory = await mkdtemp(join(tmpdir(), 'aurora-alone-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, 'warehouse.duckdb'), 'garbage');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', SERVE], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { FUNCTION_TARGET: target, PORT: '0', AURORA_DIR: directory, AURORA_LOG_LEVEL: 'silent' },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  expect(code).toBe(1);
  expect(JSON.parse(said)).toMatchObject({
    error: { code: 'warehouse_corrupt', message: expect.stringContaining(directory) },
  });
});

// Elsewhere a bundler or the tests' own loader stands between a package and its importer, and forgives more than Node does.
test('score alone, on the cloud, from its sources: serves', async () => {
  const storage = await startGcsFake();
  onTestFinished(() => storage.close());
  const { child, line } = startChild(SERVE, [], {
    ...cloudEnvironment({ storage: storage.endpoint, bigquery: storage.endpoint, pubsub: '127.0.0.1:1' }),
    FUNCTION_TARGET: 'score',
    PORT: '0',
    AURORA_LOG_LEVEL: 'info',
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await line(/"message":"serves"/);
});

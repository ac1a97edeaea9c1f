/**
 * Google's Pub/Sub emulator as a child process. It comes with gcloud (`gcloud components install pubsub-emulator`) and needs Java;
 * where either is missing, the tests that need it are skipped.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

export interface Emulator {
  /** `host:port`. */
  readonly endpoint: string;
  stop(): Promise<void>;
}

const START_LIMIT_MS = 60_000;
const POLL_MS = 100;

/** Why there is none here, or a way to start it. */
export async function findEmulator(): Promise<
  { readonly start: () => Promise<Emulator> } | { readonly missing: string }
> {
  const given = process.env['PUBSUB_EMULATOR_HOST'];
  if (given !== undefined) return { start: async () => ({ endpoint: given, stop: async () => undefined }) };
  const jar = await jarOf();
  if (jar === null)
    return { missing: 'gcloud has no Pub/Sub emulator here (gcloud components install pubsub-emulator)' };
  if ((await output('java', ['-version'])) === null) return { missing: 'the Pub/Sub emulator needs Java' };
  return { start: () => startJar(jar) };
}

async function jarOf(): Promise<string | null> {
  const root = (await output('gcloud', ['info', '--format=value(installation.sdk_root)']))?.trim();
  if (root === undefined) return null;
  const library = join(root, 'platform', 'pubsub-emulator', 'lib');
  const files = await readdir(library).catch(() => []);
  const jar = files.find((file) => /^cloud-pubsub-emulator-.*-all\.jar$/.test(file));
  return jar === undefined ? null : join(library, jar);
}

async function startJar(jar: string): Promise<Emulator> {
  const port = await freePort();
  const child = spawn('java', ['-Xmx192m', '-XX:+UseSerialGC', '-jar', jar, '--host=127.0.0.1', `--port=${port}`], {
    stdio: 'ignore',
  });
  const exited = once(child, 'exit');
  // Whoever is ended in the middle of a test takes it along.
  const orphaned = (): void => void child.kill('SIGKILL');
  process.once('exit', orphaned);
  void exited.then(() => process.removeListener('exit', orphaned));
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  for (let waited = 0; waited < START_LIMIT_MS; waited += POLL_MS) {
    if (child.exitCode !== null) throw new Error(`the Pub/Sub emulator ended with ${child.exitCode}`);
    const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => null);
    if (answer?.ok) return { endpoint: `127.0.0.1:${port}`, stop };
    await sleep(POLL_MS);
  }
  await stop();
  throw new Error(`the Pub/Sub emulator did not answer within ${START_LIMIT_MS / 1_000} s`);
}

async function output(command: string, args: readonly string[]): Promise<string | null> {
  try {
    return (await promisify(execFile)(command, args, { timeout: START_LIMIT_MS })).stdout;
  } catch {
    return null;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

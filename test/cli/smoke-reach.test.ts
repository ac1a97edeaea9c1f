/** `vm smoke` of what needs the loop or publishes jobs: beside a stack that runs, over the ports of the cloud, and where there is neither. */
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { operationsDoor } from '#cli/ops/server.ts';
import { startStack } from '#cli/stack/stack.ts';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { parseConfig } from '#shared/config.ts';
import { runReport } from '#shared/probes/run.ts';
import { serveLean } from '#shared/runtime/hosts/lean.ts';
import { type RunningCluster, startCluster } from '#sim/cluster/index.ts';
import type { Backlog } from '#sim/cluster/keda.ts';
import { rowOf } from '#test/contract/warehouse-rows.ts';
import { inTheCloud, startCloud } from '#test/support/cloud.ts';
import { closeServer, listenOnLoopback } from '#test/support/loopback.ts';
import { type PublisherFake, STATUS, startPublisherFake } from '#test/support/pubsub/publisher-fake.ts';
import { memoryLog } from '#test/support/runtime.ts';
import { run, runJson, temporary } from './run.ts';

afterEach(() => vi.unstubAllEnvs());

const PSI = 'vaultmesh-psi-jobs-sub';
const LOOP = {
  decision: { kind: 'canary_decision', target: 'loop', within_s: 5 },
  offers: { kind: 'offers_age', target: 'loop' },
  champion: { kind: 'champion_age', target: 'loop' },
};
const LETTERS = { letters: { kind: 'dead_letters', target: 'loop' } };
const ZERO = { zero: { kind: 'scale_to_zero', target: 'cluster', up_s: 5, down_s: 1, poll_s: 0.05, deadline_s: 15 } };

/** A suite, as a file. */
async function suiteOf(checks: Readonly<Record<string, object>>): Promise<string> {
  const path = join(await temporary(), 'suite.yaml');
  const suite = {
    suite: 'mine',
    period_s: 60,
    deadline_s: 30,
    confirm: { times: 0, pause_ms: 0 },
    targets: {
      loop: { loop: true },
      cluster: { kubernetes: { namespace: 'vaultmesh' } },
      score: { url: 'https://score.example', id_token: true },
    },
    checks: Object.entries(checks).map(([id, check]) => ({ id, category: 'mine', ...check })),
  };
  await writeFile(path, JSON.stringify(suite));
  return path;
}

async function look(checks: Readonly<Record<string, object>>, ...words: readonly string[]) {
  const { value } = await runJson('smoke', '--suite', await suiteOf(checks), ...words);
  return Object.fromEntries(runReport.parse(value).results.map((result) => [result.check_id, result]));
}

/** KEDA polls each 50 ms and cools down in half a second. @param directory of the stack beside which it stands */
async function cluster(
  backlog: Backlog,
  directory?: string,
): Promise<{ sim: RunningCluster; words: readonly string[] }> {
  const sim = await startCluster({ hostClock, seed: 7, speed: 600, backlog });
  onTestFinished(() => sim.close());
  const kubeconfig = join(directory ?? (await temporary()), 'kubeconfig');
  await writeFile(kubeconfig, sim.kubeconfig);
  return { sim, words: ['--kubeconfig', kubeconfig] };
}

test('with neither, what needs them says so, and the rest is looked at', async () => {
  const { words } = await cluster(() => 0);
  const checks = { ...LOOP, ...ZERO, version: { kind: 'cluster', target: 'cluster' } };
  const results = await look(checks, ...words, '--dir', join(await temporary(), 'none'));
  expect(results['version']).toMatchObject({ status: 'pass' });
  expect(results['zero']).toMatchObject({
    status: 'error',
    evidence: { publisher: false },
    remedy: expect.stringMatching(/^Nobody may publish jobs for this cluster from here: .*AURORA_PLATFORM=gcp.*--dir/),
  });
  for (const id of Object.keys(LOOP))
    expect(results[id]).toMatchObject({ status: 'error', evidence: { code: 'loop_unreachable' } });
});

describe('beside a stack that runs', () => {
  /** Its doors are of this process; the signpost names another, as it would. */
  async function stackIn(directory: string) {
    const config = parseConfig({ AURORA_DIR: directory });
    const stack = await startStack({ config, hostClock, log: memoryLog(), port: 0, providers: null, brief: true });
    onTestFinished(() => stack.close());
    const door = await serveLean(operationsDoor(stack, 'a-token'), { port: 0, hostClock });
    onTestFinished(() => door.close());
    await signpostIn(directory, door.port);
    return stack;
  }
  async function signpostIn(directory: string, port: number): Promise<void> {
    const stat = await readFile(`/proc/${process.ppid}/stat`, 'utf8').catch(() => null);
    const started = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
    const signpost = { pid: process.ppid, started, port, front_door: null, token: 'a-token', command: 'up' };
    await writeFile(join(directory, 'stack.json'), JSON.stringify(signpost));
  }

  test('the loop is its own, and jobs go to its bus, where they wait', async () => {
    const directory = await temporary();
    const { platform } = await stackIn(directory);
    const { words } = await cluster(platform.backlog, directory);
    const results = await look({ ...LOOP, ...LETTERS, ...ZERO }, ...words, '--dir', directory);
    expect(results['decision']).toMatchObject({ status: 'pass' });
    expect(results['letters']).toMatchObject({ status: 'pass', evidence: { dead_letters: 0 } });
    for (const id of ['offers', 'champion']) expect(results[id]).toMatchObject({ status: 'fail' });
    // Nobody works it off here.
    expect(results['zero']).toMatchObject({ status: 'fail', evidence: { up: 'reached', down: 'late', replicas: 1 } });
    expect(await platform.backlog(PSI)).toBe(1);
    // Which is no work of the loop.
    expect((await runJson('status', '--dir', directory)).value).toMatchObject({ backlog: 0 });
    const { err } = await run('smoke', '--suite', await suiteOf(LETTERS), '--dir', directory);
    // No word of how long it may take, for it does not.
    expect(err).toBe(`The loop and its bus are those of the stack that runs in ${directory}.\n`);
  });

  test.each(['https://cluster.example:', 'https://127.0.0.1:'])(
    'jobs for a cluster at %s, which is another, are not on its bus',
    async (at) => {
      const directory = await temporary();
      const { platform } = await stackIn(directory);
      await cluster(() => 0, directory);
      // As a tunnel leads to one elsewhere.
      const { sim } = await cluster(() => 0);
      const elsewhere = join(await temporary(), 'kubeconfig');
      await writeFile(elsewhere, sim.kubeconfig.replaceAll('https://127.0.0.1:', at));
      const results = await look(ZERO, '--kubeconfig', elsewhere, '--dir', directory);
      expect(results['zero']).toMatchObject({ status: 'error', evidence: { publisher: false } });
      expect(await platform.backlog(PSI)).toBe(0);
    },
  );

  test('one that hangs is let go of with the attempt that asked it', async () => {
    const directory = await temporary();
    const [came, left] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const mute = createServer(({ socket }) => {
      came.resolve();
      socket.once('close', left.resolve);
    });
    onTestFinished(() => closeServer(mute));
    const { port } = new URL(await listenOnLoopback(mute));
    await stackIn(directory);
    await signpostIn(directory, Number(port));
    const results = await look({ offers: { ...LOOP.offers, deadline_s: 0.2 } }, '--dir', directory);
    expect(results['offers']).toMatchObject({ status: 'error', evidence: { code: 'deadline_exceeded' } });
    await came.promise;
    await left.promise;
  });

  test('what its bus does not take is no finding', async () => {
    const directory = await temporary();
    await stackIn(directory);
    const { words } = await cluster(() => 0, directory);
    const results = await look({ zero: { ...ZERO.zero, topic: 'nobody-s' } }, ...words, '--dir', directory);
    expect(results['zero']).toMatchObject({ status: 'error', evidence: { code: 'topic_unknown' } });
  });
});

describe('over the ports of the cloud', () => {
  async function cloud(): Promise<{ pubsub: PublisherFake; recorded: () => Promise<void> }> {
    const pubsub = await startPublisherFake();
    const fakes = await startCloud(pubsub.endpoint);
    onTestFinished(async () => {
      await fakes.close();
      await pubsub.close();
    });
    for (const [name, value] of Object.entries(fakes.environment)) vi.stubEnv(name, value);
    return {
      pubsub,
      /** What ingest does there. */
      recorded: () =>
        inTheCloud(fakes, async (platform) => {
          const warehouse = await platform.warehouse();
          const rows = pubsub.taken.map(({ text }) => rowOf('routing-decision', JSON.parse(text)));
          await warehouse.append('routing_decisions', rows);
        }),
    };
  }

  test('who is logged in shows his ID tokens; without a login that is said, and of no service that it is down', async () => {
    await cloud();
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', join(await temporary(), 'none.json'));
    const health = { health: { kind: 'http', target: 'score', path: '/health' } };
    const results = await look(health);
    expect(results['health']).toMatchObject({
      status: 'error',
      evidence: {
        code: 'upstream_unavailable',
        reason: expect.stringMatching(/^no ID token for https:\/\/score\.example: log in as an account/),
      },
    });
  });

  test('a synthetic decision goes in by Pub/Sub and comes out of the record; ages are those of the bucket', async () => {
    const { pubsub, recorded } = await cloud();
    const looking = look(LOOP);
    await expect.poll(() => pubsub.taken.length, { timeout: 5_000 }).toBe(1);
    await recorded();
    const results = await looking;
    expect(results['decision']).toMatchObject({ status: 'pass' });
    for (const id of ['offers', 'champion']) expect(results[id]).toMatchObject({ status: 'fail' });
    expect(pubsub.taken.map(({ topic }) => topic)).toEqual(['routing-decisions']);
  });

  test('a job is JSON on its topic, and nothing else; the service wakes for it and sleeps again', async () => {
    const { pubsub } = await cloud();
    let done = false;
    const { sim, words } = await cluster((subscription) => {
      if (subscription !== PSI) return 1;
      // Who works it off is awake.
      done ||= pubsub.taken.length > 0 && sim.replicas('psi-field') > 0;
      return done ? 0 : pubsub.taken.length;
    });
    const results = await look({ zero: { ...ZERO.zero, down_s: 5 } }, ...words);
    expect(results['zero']).toMatchObject({ status: 'pass', evidence: { up: 'reached', down: 'reached' } });
    const text = JSON.stringify({ x: new Array(16).fill(0), apply_guardian: false });
    expect(pubsub.taken).toEqual([{ topic: 'vaultmesh-psi-jobs', text, attributes: {} }]);
  });

  test.each([
    [STATUS.permissionDenied, 'roles/pubsub.publisher'],
    [STATUS.notFound, 'Pub/Sub has none of this name in the project'],
  ])('a job that Pub/Sub refuses with %i is no finding: it says what is missing', async (status, said) => {
    const { pubsub } = await cloud();
    pubsub.fault = () => status;
    const { words } = await cluster(() => 0);
    const results = await look(ZERO, ...words);
    expect(results['zero']).toMatchObject({
      status: 'error',
      evidence: { code: 'bus_unavailable', reason: expect.stringContaining(said) },
    });
  });
});

/** The simulated cluster on the bus of this machine, as `vm up` has them, in a time that passes only while nothing else does. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { startLocalCluster } from '#cli/stack/cluster.ts';
import { jobFeed, QUEUES } from '#cli/stack/jobs.ts';
import { parseConfig } from '#shared/config.ts';
import { createEmbeddedPlatform, type LocalPlatform } from '#shared/platform-embedded.ts';
import { createToolbox } from '#shared/probes/create-tools.ts';
import { jobPublisher } from '#shared/probes/job-publisher.ts';
import type { KubernetesObject, ProbeTools } from '#shared/probes/tools.ts';
import { type PatientClock, patientClock } from './patient-clock.ts';
import { memoryLog } from './runtime.ts';

/** Certificates are judged by the machine's own clock, so that is where time begins: at its last full hour. */
const START_MS = Math.floor(Date.now() / 3_600_000) * 3_600_000;
const SPEED = 20;
/** KEDA's, at that speed. */
export const POLL_MS = 1_500;
export const COOLDOWN_MS = 15_000;

const scaled = z.object({ metadata: z.object({ name: z.string() }), spec: z.object({ replicas: z.number() }) });

export interface JobsHouse {
  readonly time: PatientClock;
  readonly platform: LocalPlatform;
  /** For one run. */
  tools(): ProbeTools;
  list(path: string): Promise<readonly KubernetesObject[]>;
  fault(...names: string[]): Promise<void>;
  /** For so long the feed has its turns. */
  fed(ms: number): Promise<void>;
  replicas(deployment?: string): Promise<number | undefined>;
  close(): Promise<void>;
}

export async function openJobsHouse(): Promise<JobsHouse> {
  const directory = await mkdtemp(join(tmpdir(), 'aurora-jobs-'));
  const time = patientClock({ startMs: START_MS, stillTurns: 12, mayWait: (path) => path === '/jobs' });
  const { hostClock } = time;
  const platform = await createEmbeddedPlatform({
    config: parseConfig({ AURORA_DIR: directory }),
    hostClock,
    log: memoryLog(),
    random: () => 0.5,
    keepsWorldTime: false,
    inProcess: true,
    queues: QUEUES,
  });
  const { backlog } = platform;
  const feed = jobFeed(platform, () => cluster.hasNoWork());
  const first = jobFeed(platform, () => false);
  await first.run();
  const cluster = await startLocalCluster({
    hostClock,
    seed: 7,
    port: 0,
    routeUrl: 'http://127.0.0.1:9',
    backlog,
    directory,
    speed: SPEED,
  });
  const { nearby } = cluster;
  const bus = await platform.bus();
  await bus.start(nearby.workers);
  const toolbox = createToolbox({
    hostClock,
    stopwatchMs: time.clock.now,
    cluster: nearby.cluster,
    loop: null,
    publishJob: jobPublisher(platform),
  });
  const list = async (path: string): Promise<readonly KubernetesObject[]> => {
    const context = { deadline: hostClock.now() + 10_000, signal: new AbortController().signal };
    return time.during(toolbox.tools().kubernetes({ namespace: 'vaultmesh' }).list(path, context));
  };
  return {
    time,
    platform,
    tools: toolbox.tools,
    list,
    async fault(...names) {
      const answer = await fetch(`${cluster.doors.faultsUrl}/_fake/faults`, {
        method: 'PUT',
        body: JSON.stringify(names),
      });
      if (!answer.ok) throw new Error(await answer.text());
    },
    async fed(ms) {
      for (let left = ms; left > 0; left -= feed.everyMs) {
        await feed.run();
        await time.pass(Math.min(left, feed.everyMs));
      }
    },
    async replicas(deployment = 'psi-field') {
      const all = await list('/apis/apps/v1/namespaces/vaultmesh/deployments');
      return all.map((one) => scaled.parse(one)).find(({ metadata }) => metadata.name === deployment)?.spec.replicas;
    },
    async close() {
      await toolbox.close();
      await nearby.close();
      await platform.close();
      time.end();
      await rm(directory, { recursive: true });
    },
  };
}

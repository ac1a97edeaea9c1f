/** The topics of jobs that services of the simulated cluster work off, and the feed that keeps those services awake. */
import type { LocalPlatform, LocalQueue } from '#shared/platform-embedded.ts';
import { PSI_JOB } from '#shared/probes/checks/scale-to-zero.ts';
import { JOB_QUEUES } from '#sim/cluster/facts.ts';
import type { CronJob } from './cron.ts';

/** They are of this machine: in the cloud the services' own terraform has them. */
export const QUEUES: readonly LocalQueue[] = JOB_QUEUES;

/** Whether a subscription is one of jobs: what waits there is no work of the loop. */
export const isOfJobs = (name: string): boolean => QUEUES.some(({ subscription }) => subscription === name);

/** Of GPU work there is none until somebody asks for it. */
const FED: Readonly<Record<string, unknown>> = { 'psi-field': PSI_JOB, scheduler: { namespace: 'dao' } };

const FEED_EVERY_MS = 500;
/** One is worked at and one waits: there is always something for KEDA to see, and never more than one replica's worth. */
const KEPT = 2;

/** Tops up what waits, so that it never grows while nobody takes it. */
export function jobFeed(
  { backlog, publishJob }: Pick<LocalPlatform, 'backlog' | 'publishJob'>,
  isPaused: () => boolean,
): CronJob {
  const topUp = async ({ topic, subscription, worker }: LocalQueue): Promise<void> => {
    const waiting = (await backlog(subscription)) ?? KEPT;
    const data = new TextEncoder().encode(JSON.stringify(FED[worker]));
    for (let more = KEPT - waiting; more > 0; more -= 1) await publishJob(topic, data);
  };
  return {
    name: 'jobs',
    everyMs: FEED_EVERY_MS,
    run: async () => {
      if (!isPaused()) await Promise.all(QUEUES.filter(({ worker }) => worker in FED).map(topUp));
    },
  };
}

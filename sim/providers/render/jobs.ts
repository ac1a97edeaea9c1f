import { z } from 'zod';
import { endOf } from '../../market/instance.ts';
import type { Market } from '../../market/market.ts';
import { createHoldings, type Held, type Holdings } from '../kit/holdings.ts';
import { uuidOf } from './nodes.ts';

/** What Render remembers of a job. */
export const note = z.object({
  title: z.string(),
  task: z.enum(['BATCH', 'PERSISTENT']),
  image: z.string(),
  tag: z.string(),
  ports: z.array(z.int()),
  gpu_name: z.string(),
  /** Of the node that it gets; more than were asked for, now and then. */
  node_gpus: z.int(),
  region_code: z.string().nullable(),
  /** Runs, and never says where. */
  hidden: z.boolean(),
  /** What its status is called when it is done. */
  done: z.string(),
});
export type Note = z.infer<typeof note>;
export type JobAtRender = Held<Note>;

export interface Jobs {
  readonly order: Holdings<Note>['order'];
  /** Null: none that is still remembered. */
  get(id: string): JobAtRender | null;
  /** Also those that are over. */
  newestFirst(nowMs: number): readonly JobAtRender[];
  /** False: it was over. */
  cancel(job: JobAtRender, nowMs: number): boolean;
  ever(): readonly JobAtRender[];
}

/** World milliseconds for which one that is over is still shown. */
const SHOWN_MS = 7 * 24 * 3_600_000;

export function createJobs(market: Market): Jobs {
  const holdings = createHoldings(market, 'render', ({ instance_id }) => uuidOf('render job', instance_id), note);
  /** Oldest first. */
  const shown = new Map(holdings.ever().map((job) => [job.nativeId, job]));

  const asItIs = (job: JobAtRender): JobAtRender | null => {
    const instance = market.instance(job.instance.instance_id);
    return instance === null ? null : { ...job, instance };
  };
  return {
    order(order) {
      const job = holdings.order(order);
      shown.set(job.nativeId, job);
      return job;
    },
    get(id) {
      const job = shown.get(id);
      return job === undefined ? null : asItIs(job);
    },
    newestFirst(nowMs) {
      const jobs: JobAtRender[] = [];
      for (const [id, remembered] of shown) {
        const job = asItIs(remembered);
        if (job !== null && nowMs < endOf(job.instance) + SHOWN_MS) jobs.push(job);
        else {
          shown.delete(id);
          holdings.release(id, nowMs);
        }
      }
      return jobs.reverse();
    },
    cancel: (job, nowMs) => market.terminate(job.instance.instance_id, nowMs),
    ever: holdings.ever,
  };
}

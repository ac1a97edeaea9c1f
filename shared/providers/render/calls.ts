/** The calls of the Dispersed API, one each. It names no least distance between two of them. */
import type { z } from 'zod';
import type { ProviderCall } from '../client.ts';
import type { DeploySpec } from '../provider.ts';
import { workloadEnv } from '../workload-env.ts';
import { splitImage } from './image.ts';
import {
  createdAnswer,
  creationRefusal,
  jobAnswer,
  jobsAnswer,
  nodesAnswer,
  renderRefusal,
  runAnswer,
  runsAnswer,
} from './wire.ts';

/** The most that a page holds. */
export const PAGE_SIZE = 50;

/** World milliseconds: until a node is found, the least that may be asked for; until the container is up, for images of 20 GB. */
const ASSIGN_LIMIT_MS = 5 * 60_000;
const START_LIMIT_MS = 20 * 60_000;
/** In which a run that did not come up has ended. */
export const PREPARED_WITHIN_MS = ASSIGN_LIMIT_MS + START_LIMIT_MS;

/** Those that have not come to an end, by the names that the reference has for jobs, and clients have seen of runs. */
const LIVING_JOBS = 'PENDING,ASSIGNED,RUNNING';
const LIVING_RUNS = 'PENDING,ASSIGNED,PREPARING,RUNNING';

type Call<S extends z.ZodType> = ProviderCall<z.output<S>>;

const read = { method: 'GET', repeat: 'safe', refusal: renderRefusal } as const;
const newestFirst = { limit: String(PAGE_SIZE), sort: '-created_at' };
/** In the order in which it is signed. */
const sorted = (query: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(query).sort(([a], [b]) => (a < b ? -1 : 1)));

/** All that is free: a narrower question would make an empty answer possible, which nobody could tell from a broken one. */
export const nodes = (page: number): Call<typeof nodesAnswer> => ({
  ...read,
  operation: 'offers',
  endpoint: 'offers',
  path: '/v1/compute/offers',
  query: { limit: String(PAGE_SIZE), page: String(page) },
  answer: nodesAnswer,
});

const jobs = (query: Readonly<Record<string, string>>): Call<typeof jobsAnswer> => ({
  ...read,
  operation: 'jobs',
  endpoint: 'jobs',
  path: '/v1/jobs',
  query: sorted(query),
  answer: jobsAnswer,
});
/** Whatever has become of them. */
export const newestJobs: Call<typeof jobsAnswer> = jobs({ ...newestFirst, page: '1' });
/** There is no filter by title. */
export const livingJobs = (page: number): Call<typeof jobsAnswer> =>
  jobs({ ...newestFirst, page: String(page), 'filter[status]': LIVING_JOBS });
export const anyJob: Call<typeof jobsAnswer> = jobs({ limit: '1', page: '1' });

export const job = (id: string): Call<typeof jobAnswer> => ({
  ...read,
  operation: 'job',
  endpoint: 'job',
  path: `/v1/jobs/${id}`,
  answer: jobAnswer,
});

const runs = (query: Readonly<Record<string, string>>): Call<typeof runsAnswer> => ({
  ...read,
  operation: 'runs',
  endpoint: 'runs',
  path: '/v1/job-runs',
  query: sorted(query),
  answer: runsAnswer,
});
export const livingRuns = (page: number): Call<typeof runsAnswer> =>
  runs({ ...newestFirst, page: String(page), 'filter[status]': LIVING_RUNS });
/** We ask for no second run; the newest is the one that counts. */
export const runsOf = (jobId: string): Call<typeof runsAnswer> =>
  runs({ limit: '10', sort: '-created_at', 'filter[job_uuid]': jobId });

/** Only this answer has the log. */
export const run = (id: string): Call<typeof runAnswer> => ({
  ...read,
  operation: 'run',
  endpoint: 'run',
  path: `/v1/job-runs/${id}`,
  answer: runAnswer,
});

export interface JobOrder {
  readonly title: string;
  readonly requestId: string;
  readonly spec: DeploySpec;
  /** One of both names the GPU. */
  readonly gpu: { readonly gpu_registry_uuid: string } | { readonly gpu_name: string };
  /** Null: not said. */
  readonly vramGib: number | null;
  readonly regionCode: string | null;
}

export const create = ({ title, requestId, spec, gpu, vramGib, regionCode }: JobOrder): Call<typeof createdAnswer> => ({
  operation: 'create',
  endpoint: 'create',
  method: 'POST',
  path: '/v1/jobs',
  body: {
    title,
    task: 'PERSISTENT',
    ...gpu,
    gpu_count: spec.gpu_count,
    ...(vramGib === null ? {} : { min_vram_gb: Math.floor(vramGib) }),
    ...(regionCode === null ? {} : { allowed_region_codes: [regionCode] }),
    // A persistent job has no limit, it is refused with one: whoever follows it ends it.
    max_timeout_run_ms: null,
    max_timeout_assign_ms: ASSIGN_LIMIT_MS,
    max_timeout_start_ms: START_LIMIT_MS,
    // A second run would be another deployment, which nobody has decided.
    max_retry_count: 0,
    parameters: {
      type: 'docker',
      parameters: {
        ...splitImage(spec.image),
        ports: [spec.port],
        // The address is the tenant's to give to whom they like.
        allowed_ips: ['0.0.0.0/0'],
        env: workloadEnv(spec, requestId),
      },
    },
  },
  answer: createdAnswer,
  repeat: 'never',
  refusal: creationRefusal,
  missing: 'offer_gone',
});

export const cancel = (id: string, reason: string): Call<typeof jobAnswer> => ({
  operation: 'cancel',
  endpoint: 'cancel',
  method: 'PUT',
  path: `/v1/jobs/${id}/cancel`,
  body: { reason },
  answer: jobAnswer,
  repeat: 'safe',
  refusal: renderRefusal,
});

/**
 * The Dispersed API of Render Network as far as the adapter may use it, over the market: signed calls, pages, jobs and their runs,
 * faults by name, bills. Facts of the vendor's reference; codes of errors, which it does not list, are of the usual kind.
 */
import { z } from 'zod';
import { AuroraError } from '#shared/errors.ts';
import type { Market } from '../../market/market.ts';
import { uniforms } from '../../market/random.ts';
import type { FakeRequest, Reply, Route } from '../kit/api.ts';
import { createDoors } from '../kit/doors.ts';
import { type FakeProvider, type FakeServerOptions, startFake } from '../kit/fake-server.ts';
import { NO_NODE, RENDER_FAULTS, refusal, TOO_OFTEN } from './faults.ts';
import { createGate } from './gate.ts';
import { createJobs, type JobAtRender } from './jobs.ts';
import { type FreeNode, freeNodesOf, listedNode } from './nodes.ts';
import { pageOf } from './page.ts';
import { costOf, endedAt, hasRun, jobStatusOf, runIdOf, runStatusOf, seenJob, seenRun, writtenBy } from './seen.ts';

export interface FakeRenderOptions extends FakeServerOptions {
  readonly market: Market;
  /** The public and the secret key, joined by a colon. */
  readonly key: string;
  /** Share of the jobs that get a larger node than they asked for; default: as often as users tell of it. */
  readonly largerNodeShare?: number;
}

const LARGER_NODE_SHARE = 0.03;
/** One user's job for one GPU was given six. */
const LARGER_FACTOR = 6;

const order = z
  .looseObject({
    title: z.string().min(1).max(256),
    task: z.enum(['BATCH', 'PERSISTENT']),
    gpu_name: z.string().optional(),
    gpu_registry_uuid: z.string().optional(),
    gpu_count: z.int().min(1),
    min_vram_gb: z.number().min(0).default(0),
    max_timeout_run_ms: z.int().min(60_000).nullable(),
    max_timeout_assign_ms: z.int().min(300_000).default(300_000),
    max_timeout_start_ms: z.int().min(120_000).default(300_000),
    allowed_region_codes: z.array(z.string()).default([]),
    parameters: z.object({
      type: z.literal('docker'),
      parameters: z.looseObject({
        image: z.string().min(1),
        tag: z.string().min(1),
        ports: z.array(z.int().min(1).max(65_535)).default([22]),
        env: z.record(z.string(), z.string()).default({}),
      }),
    }),
  })
  .refine((job) => (job.task === 'PERSISTENT') === (job.max_timeout_run_ms === null), {
    path: ['max_timeout_run_ms'],
    message: 'null for PERSISTENT, a number for BATCH',
  })
  .refine((job) => (job.gpu_name === undefined) !== (job.gpu_registry_uuid === undefined), {
    path: ['gpu_name'],
    message: 'either this or gpu_registry_uuid',
  });
type Order = z.output<typeof order>;

const invalid = (error: z.ZodError): Reply =>
  refusal(400, 'VALIDATION_ERROR', error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
const noJob = (id: string | undefined): Reply => refusal(404, 'JOB_NOT_FOUND', `No job ${id}`);

export async function startFakeRender({
  market,
  key,
  largerNodeShare,
  ...server
}: FakeRenderOptions): Promise<FakeProvider> {
  const doors = createDoors(server.hostClock);
  const jobs = createJobs(market);
  const larger = largerNodeShare ?? LARGER_NODE_SHARE;
  const free = (nowMs: number): readonly FreeNode[] =>
    freeNodesOf(market.offers(nowMs).filter(({ provider }) => provider === 'render'));

  const offers = (request: FakeRequest): Reply =>
    pageOf(request, free(request.nowMs), (node) => listedNode(node, request.nowMs, request.fault === 'null_fields'));

  function create({ body, nowMs, fault }: FakeRequest): Reply {
    const asked = order.safeParse(body);
    if (!asked.success) return invalid(asked.error);
    const job = free(nowMs)
      .filter((node) => fits(node, asked.data))
      .reduce<JobAtRender | null>((made, node) => made ?? ordered(node, asked.data, nowMs, fault), null);
    if (job === null) return NO_NODE;
    return { status: 201, body: seenJob(job, nowMs, false), nativeId: job.nativeId };
  }

  /** Null: the market says no. */
  function ordered(node: FreeNode, asked: Order, nowMs: number, fault: string | null): JobAtRender | null {
    const { image, tag, ports, env } = asked.parameters.parameters;
    const runHours = Number(env['AURORA_GPU_HOURS'] ?? 1) / Number(env['AURORA_GPU_COUNT'] ?? 1);
    const isLarger = fault === 'larger_node' || uniforms(server.seed, 'larger node', asked.title)() < larger;
    try {
      return jobs.order({
        offerId: node.offer.offer_id,
        label: asked.title,
        gpu_count: asked.gpu_count,
        gpu_hours: runHours * asked.gpu_count,
        workload_type: env['AURORA_WORKLOAD_TYPE'] ?? 'general',
        nowMs,
        note: {
          title: asked.title,
          task: asked.task,
          image,
          tag,
          ports,
          gpu_name: node.gpuName,
          node_gpus: isLarger ? LARGER_FACTOR * asked.gpu_count : node.gpuCount,
          region_code: node.regionCode,
          hidden: fault === 'no_node_urls',
          done: fault === 'unknown_status' ? 'SUCCEEDED' : 'COMPLETED',
        },
      });
    } catch (error) {
      if (error instanceof AuroraError && error.code === 'offer_gone') return null;
      throw error;
    }
  }

  const shownOf = (
    { query, nowMs }: FakeRequest,
    statusOf: (job: JobAtRender, nowMs: number) => string,
  ): readonly JobAtRender[] => {
    const statuses = query.get('filter[status]')?.split(',');
    const id = query.get('filter[uuid]') ?? query.get('filter[job_uuid]');
    const all = jobs
      .newestFirst(nowMs)
      .filter((job) => (id === null || job.nativeId === id) && statuses?.includes(statusOf(job, nowMs)) !== false);
    return query.get('sort') === 'created_at' ? [...all].reverse() : all;
  };
  const list = (request: FakeRequest): Reply =>
    pageOf(request, shownOf(request, jobStatusOf), (job) =>
      seenJob(job, request.nowMs, request.fault === 'null_fields'),
    );
  const listRuns = (request: FakeRequest): Reply =>
    pageOf(
      request,
      shownOf(request, runStatusOf).filter((job) => hasRun(job, request.nowMs)),
      (job) => seenRun(job, request.nowMs, doors, request.fault === 'null_fields'),
    );

  function get({ params, nowMs, fault }: FakeRequest): Reply {
    const job = jobs.get(params[0] ?? '');
    return job === null ? noJob(params[0]) : { status: 200, body: seenJob(job, nowMs, fault === 'null_fields') };
  }

  function getRun({ params, nowMs, fault }: FakeRequest): Reply {
    const job = jobs.newestFirst(nowMs).find((one) => hasRun(one, nowMs) && runIdOf(one) === params[0]);
    if (job === undefined) return refusal(404, 'JOB_RUN_NOT_FOUND', `No job run ${params[0]}`);
    const logs = fault === 'null_fields' ? null : writtenBy(job, nowMs);
    return { status: 200, body: { ...seenRun(job, nowMs, doors, false), logs } };
  }

  function cancel({ params, body, nowMs }: FakeRequest): Reply {
    const job = jobs.get(params[0] ?? '');
    if (job === null) return noJob(params[0]);
    if (!z.object({ reason: z.string() }).safeParse(body).success)
      return refusal(400, 'VALIDATION_ERROR', 'reason: expected text');
    if (!jobs.cancel(job, nowMs)) return refusal(409, 'JOB_NOT_CANCELLABLE', 'The job is over');
    return { status: 200, body: seenJob(jobs.get(job.nativeId) ?? job, nowMs, false), nativeId: job.nativeId };
  }

  const routes: readonly Route[] = [
    { operation: 'list_offers', method: 'GET', pattern: /^\/v1\/compute\/offers$/, handle: offers },
    { operation: 'list_jobs', method: 'GET', pattern: /^\/v1\/jobs$/, handle: list },
    { operation: 'create_job', method: 'POST', pattern: /^\/v1\/jobs$/, handle: create },
    { operation: 'get_job', method: 'GET', pattern: /^\/v1\/jobs\/([^/]+)$/, handle: get },
    { operation: 'cancel_job', method: 'PUT', pattern: /^\/v1\/jobs\/([^/]+)\/cancel$/, handle: cancel },
    { operation: 'list_runs', method: 'GET', pattern: /^\/v1\/job-runs$/, handle: listRuns },
    { operation: 'get_run', method: 'GET', pattern: /^\/v1\/job-runs\/([^/]+)$/, handle: getRun },
  ];

  return startFake(
    {
      provider: 'render',
      routes,
      faults: RENDER_FAULTS,
      spacingMs: {},
      unavailableShare: market.spec.unavailable_share,
      refuse: createGate(key, server.hostClock),
      tooOften: () => TOO_OFTEN,
      notFound: () => refusal(404, 'NOT_FOUND', 'No such route'),
      bills: (nowMs) =>
        jobs.ever().map((job) => ({
          native_id: job.nativeId,
          label: job.note.title,
          usd: costOf(job, nowMs),
          created_ms: job.instance.created_ms,
          ended_ms: endedAt(job, nowMs),
        })),
      close: () => doors.close(),
    },
    server,
  );
}

const fits = (node: FreeNode, asked: Order): boolean =>
  (asked.gpu_name === undefined ? node.registryId === asked.gpu_registry_uuid : node.gpuName === asked.gpu_name) &&
  node.gpuCount >= asked.gpu_count &&
  node.vramGib >= asked.min_vram_gb &&
  (asked.allowed_region_codes.length === 0 || asked.allowed_region_codes.includes(node.regionCode ?? ''));

import { rfc3339 } from '#shared/domain/primitives.ts';
import type { Labels } from '../labels.ts';
import { type Address, type InstanceStatus, isOver, UNSAID } from '../provider.ts';
import { PREPARED_WITHIN_MS } from './calls.ts';
import { givenNode } from './given.ts';
import type { Job, Run } from './wire.ts';

type Verdict = Pick<InstanceStatus, 'state' | 'blame'>;
type Stage = 'coming' | 'running' | 'completed' | 'failed' | 'cancelled';

/** Of jobs and of runs. A name that is not here is no end. */
const STAGES: Readonly<Record<string, Stage>> = {
  PENDING: 'coming',
  ASSIGNED: 'coming',
  PREPARING: 'coming',
  RUNNING: 'running',
  COMPLETED: 'completed',
  FAILING: 'failed',
  FAILED: 'failed',
  CANCELLING: 'cancelled',
  CANCELLED: 'cancelled',
};

const stageOf = ({ status }: Pick<Job, 'status'>): Stage | null => {
  const name = status.toUpperCase();
  return Object.hasOwn(STAGES, name) ? (STAGES[name] ?? null) : null;
};

/** `run`: the newest of the job; null: none is known. `ran`: it was seen running. */
export function statusOf(job: Job, run: Run | null, labels: Labels, ran: boolean): InstanceStatus {
  const verdict = verdictOn(job, run, ran);
  const over = isOver(verdict);
  const endedMs = over ? (run?.ended_at_ms ?? job.completed_at ?? null) : null;
  const given = run === null ? null : givenNode(run);
  return {
    instance_id: job.uuid,
    request_id: labels.requestIdOf(job.title),
    ...verdict,
    // Nor when it was ready: a run starts with the preparation of its node.
    ...UNSAID,
    created_at: job.created_at == null ? null : rfc3339(job.created_at),
    ended_at: endedMs === null ? null : rfc3339(endedMs),
    address: verdict.state === 'running' && run !== null ? addressOf(run, portOf(job)) : null,
    gpu_count: given?.gpuCount ?? null,
    usd_per_hour: given?.usdPerHour ?? null,
  };
}

/** Whether its status is one of those that have a meaning here. */
export const isKnown = (job: Job): boolean => stageOf(job) !== null;

/** As far as the job itself tells. */
export const lives = (job: Job): boolean => !isOver(verdictOn(job, null, false));

function verdictOn(job: Job, run: Run | null, ran: boolean): Verdict {
  const stage = stageOf(job);
  switch (stage) {
    case 'coming':
      return { state: 'provisioning', blame: null };
    case 'running':
      // The job may be ahead of its run.
      return { state: run !== null && stageOf(run) === 'coming' ? 'provisioning' : 'running', blame: null };
    case 'completed':
      return { state: 'completed', blame: null };
    case 'failed':
      return failure(reasonOf(job, run), ran || (run !== null && hasRun(run)));
    case 'cancelled':
      return { state: 'cancelled', blame: MONEY.test(reasonOf(job, run)) ? 'ours' : 'tenant' };
    case null:
      return unknown(job, run);
  }
  return stage satisfies never;
}

/** With an end it is over, well or badly: whoever knows the plan may judge by the time that it had. */
function unknown(job: Job, run: Run | null): Verdict {
  if ((run?.ended_at_ms ?? job.completed_at ?? null) !== null) return { state: 'exited', blame: null };
  return { state: run !== null && isUp(run) ? 'running' : 'provisioning', blame: null };
}

/** Reasons are free text: words that tell whose fault it was, the surest first. */
const MONEY = /credit|fund|balance|payment|billing/i;
const IMAGE = /\b(image|manifest|registry|pull(ing|ed)?)\b/i;
const NODE_LEFT = /\bnode\b.*\b(offline|lost|gone|left|reclaimed|evicted|shut ?down|disappeared|removed)\b/i;
const CUT_OFF = /connection|network|unreachable|heartbeat/i;
const OWN_END = /\bexit(ed)?\b|exit code|non-?zero|out of memory|\boom\b/i;

function failure(reason: string, ran: boolean): Verdict {
  const state = ran ? 'failed' : 'failed_to_start';
  if (MONEY.test(reason)) return { state, blame: 'ours' };
  if (IMAGE.test(reason)) return { state, blame: 'tenant' };
  if (NODE_LEFT.test(reason)) return { state: ran ? 'preempted' : state, blame: 'provider' };
  if (CUT_OFF.test(reason)) return { state, blame: 'network' };
  if (OWN_END.test(reason)) return { state, blame: 'tenant' };
  return { state, blame: ran ? null : 'provider' };
}

const reasonOf = (job: Job, run: Run | null): string => `${job.status_reason ?? ''} ${run?.status_reason ?? ''}`;

const isUp = (run: Run): boolean => stageOf(run) === 'running' || urlsOf(run).length > 0;

/** It had an address, or lasted longer than a start may. */
function hasRun(run: Run): boolean {
  const lastedMs = (run.ended_at_ms ?? 0) - (run.started_at_ms ?? 0);
  return urlsOf(run).length > 0 || ((run.started_at_ms ?? 0) > 0 && lastedMs > PREPARED_WITHIN_MS);
}

const portOf = (job: Job): number | null => job.parameters?.parameters.ports?.at(0) ?? null;

interface NodeUrl extends Address {
  readonly description: string;
}

const urlsOf = (run: Run): readonly NodeUrl[] =>
  (run.node_urls ?? []).flatMap(({ description, hostname, port, tls }) => {
    const host = hostname?.trim() ?? '';
    return host === '' || port == null ? [] : [{ description: description ?? '', host, port, tls: tls === true }];
  });

/** The one that stands for our port; where none says so, any but that of a shell. */
function addressOf(run: Run, port: number | null): Address | null {
  const urls = urlsOf(run);
  const found =
    urls.find(({ description }) => description === String(port)) ??
    urls.find(({ description }) => !/ssh/i.test(description));
  return found === undefined ? null : { host: found.host, port: found.port, tls: found.tls };
}

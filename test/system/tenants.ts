/** Tenants who send requests to a stack that dies under them, and keep every answer they got. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { RouteRequest } from '#shared/domain/request.ts';
import type { MarketSpec } from '#sim/market/spec.ts';
import { trafficStream } from '#sim/traffic.ts';
import { keyOf } from '#test/support/tenants.ts';

const answer = z.object({
  request_id: z.string(),
  decision_id: z.string(),
  offer_id: z.string().nullable(),
  provider: z.string().nullable(),
  status: z.enum(['provisioning', 'no_capacity']),
  reason: z.string().nullable(),
  mode: z.string(),
  excluded: z.array(z.object({ reason: z.string() })),
});
/** Not now, and why. */
const later = z.object({
  error: z.object({ code: z.string() }),
  status: z.literal('failed'),
  reason: z.string().min(1),
});
export type Acknowledged = z.infer<typeof answer>;

export interface Tenants {
  /** Request id -> the answer; those that were told "provisioning". */
  readonly acknowledged: ReadonlyMap<string, Acknowledged>;
  /** Decision ids of refusals that were answered. */
  readonly refused: ReadonlySet<string>;
  /** What was said to them. */
  readonly refusals: readonly { readonly reason: string; readonly excluded: readonly unknown[] }[];
  /** How many were told so, by mode. */
  readonly modes: ReadonlyMap<string, number>;
  /** Of every answer. */
  readonly latenciesMs: readonly number[];
  /** What came that was neither an answer nor a 503 with its code and its reason, of all that ever came; connections that broke among it. */
  readonly broken: readonly string[];
  /** Requests that got none, with what came in its place the last time; they are sent again. */
  unanswered(): readonly string[];
  /** Request ids that were ever sent. */
  readonly sent: ReadonlySet<string>;
  /** Answers that contradict an earlier one for the same request id. */
  readonly contradictions: readonly string[];
  /** Resolves when so many requests have been acknowledged in all. */
  reached(acknowledged: number): Promise<void>;
  /** Sends until `stop` resolves, unanswered requests of before first; resolves when none is under way. */
  work(url: string, stop: Promise<unknown>): Promise<void>;
  /** Repeats every unanswered request until each has its answer. */
  settle(url: string): Promise<void>;
}

/** Requests under way at once: enough that a kill cuts some in every stage. */
const SENDERS = 6;
/** Between two requests of a sender, unless the test says otherwise: some 200 requests a second in all, which leaves the stack its processor. */
const PAUSE_MS = 25;
/** Every so many answers one that was given before is asked for again. */
const REPEAT_EVERY = 10;
const ANSWER_WITHIN_MS = 10_000;
/** Short runs, so that many end while the test lasts; minutes of host time at the speeds used here. */
const MAX_GPU_HOURS = 1.5;

export function createTenants(options: {
  readonly spec: MarketSpec;
  readonly seed: number;
  readonly pauseMs?: number;
  readonly senders?: number;
  /** Of every run; default: what the tenants want, up to an hour and a half of GPUs. */
  readonly runHours?: number;
}): Tenants {
  const { pauseMs = PAUSE_MS, senders = SENDERS, runHours } = options;
  const item = trafficStream(options);
  const acknowledged = new Map<string, Acknowledged>();
  const refused = new Set<string>();
  const sent = new Set<string>();
  const contradictions: string[] = [];
  const refusals: { readonly reason: string; readonly excluded: readonly unknown[] }[] = [];
  const modes = new Map<string, number>();
  const latenciesMs: number[] = [];
  const broken: string[] = [];
  const unanswered: RouteRequest[] = [];
  /** Request id -> what came instead of an answer. */
  const instead = new Map<string, string>();
  const answered: RouteRequest[] = [];
  const goals = new Map<() => void, number>();
  let index = 0;

  const next = (): RouteRequest => {
    const retried = unanswered.shift();
    if (retried !== undefined) return retried;
    const again = answered[Math.floor(answered.length / 2)];
    index += 1;
    if (again !== undefined && index % REPEAT_EVERY === 0) return again;
    const { body } = item(index);
    const wanted = Math.min(body.gpu_hours, MAX_GPU_HOURS);
    return { ...body, gpu_hours: runHours === undefined ? wanted : runHours * (body.gpu_count ?? 1) };
  };

  const keep = (request: RouteRequest, given: Acknowledged): void => {
    modes.set(given.mode, (modes.get(given.mode) ?? 0) + 1);
    if (given.status === 'no_capacity') {
      refused.add(given.decision_id);
      refusals.push({ reason: given.reason ?? '', excluded: given.excluded });
      return;
    }
    const known = acknowledged.get(given.request_id);
    if (known === undefined) {
      acknowledged.set(given.request_id, given);
      for (const [reach, goal] of goals) if (acknowledged.size >= goal) reach();
      answered.push(request);
    } else if (known.decision_id !== given.decision_id || known.offer_id !== given.offer_id) {
      contradictions.push(`${given.request_id}: first ${JSON.stringify(known)}, then ${JSON.stringify(given)}`);
    }
  };

  const unansweredBy = (request: RouteRequest, what: string): void => {
    unanswered.push(request);
    instead.set(request.request_id ?? '', what);
  };

  /** True when the request was answered, one way or the other. */
  const send = async (url: string, request: RouteRequest): Promise<boolean> => {
    sent.add(request.request_id ?? '');
    const sinceMs = performance.now();
    try {
      const response = await fetch(`${url}/route`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-api-key': keyOf(request.tenant_id ?? 'default') },
        body: JSON.stringify(request),
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
      const body: unknown = await response.json();
      const given = answer.safeParse(body);
      latenciesMs.push(performance.now() - sinceMs);
      if (given.success) keep(request, given.data);
      else {
        const what = `HTTP ${response.status} ${JSON.stringify(body)}`;
        unansweredBy(request, what);
        if (response.status !== 503 || !later.safeParse(body).success) broken.push(what);
      }
      return given.success;
    } catch (error) {
      // Killed before, during or after its work: only asking again tells.
      const what = String((error as Error).cause ?? error);
      unansweredBy(request, what);
      broken.push(what);
      return false;
    }
  };

  return {
    acknowledged,
    refused,
    sent,
    broken,
    contradictions,
    refusals,
    modes,
    latenciesMs,
    unanswered: () => unanswered.map(({ request_id: id = '' }) => `${id}: ${instead.get(id)}`),
    reached: (goal) =>
      new Promise((resolve) => {
        if (acknowledged.size >= goal) resolve();
        else goals.set(resolve, goal);
      }),
    async work(url, stop) {
      let working = true;
      void stop.then(() => {
        working = false;
      });
      const sender = async (): Promise<void> => {
        while (working) {
          await send(url, next());
          await sleep(pauseMs);
        }
      };
      await Promise.all(Array.from({ length: senders }, sender));
    },
    async settle(url) {
      while (unanswered.length > 0) {
        const request = unanswered.shift();
        if (request !== undefined && !(await send(url, request))) await sleep(pauseMs);
      }
    },
  };
}

/** Asking a provider for an instance, or for its end. Every way in which that can end is an answer; nothing is thrown. */
import { WORKLOAD_IMAGE_DEFAULT, WORKLOAD_PORT_DEFAULT } from '#shared/defaults.ts';
import type { DeploymentRequest } from '#shared/domain/events/catalogue.ts';
import { type AuroraError, type ErrorCode, RejectedError, TransientError } from '#shared/errors.ts';
import type { CallContext, DeploySpec, Provider } from '#shared/providers/provider.ts';
import { codedError } from '#shared/runtime/answers.ts';
import { type Breaker, createBreaker } from '#shared/runtime/breaker.ts';
import { showBreaker } from '#shared/runtime/breaker-metrics.ts';
import type { Metrics } from '#shared/telemetry/metrics.ts';
import type { Answer } from './decide.ts';
import { createReporter, type ReportDeps, type Reporter } from './reports.ts';

/** What deploy asks of all providers. */
export interface Asking {
  /** An instance for the request: the one that it has already, or a new one. */
  deploy(request: DeploymentRequest, before: Begun, context: CallContext): Promise<Answer>;
  /** That nothing lives under the request any more. Null: so it is. */
  release(request: DeploymentRequest, context: CallContext): Promise<AuroraError | null>;
  /** That this instance ends. @throws as the provider does */
  terminate(provider: string, instanceId: string, context: CallContext): Promise<void>;
  /** A request for it has been taken that had waited so long, host milliseconds. */
  took(provider: string, waitedMs: number): void;
  start(): Promise<void>;
  /** Resolves when no report is being written any more. */
  stop(): Promise<void>;
}

/** Of an attempt that an earlier delivery has begun, or this one begins. */
export interface Begun {
  /** The instance that it had begun with; null: none that is on record. */
  readonly instanceId: string | null;
  /** Puts one on record. */
  readonly note: (instanceId: string) => Promise<void>;
}

/** A provider and what is thought of it. */
interface Counter {
  readonly provider: Provider;
  readonly breaker: Breaker;
  readonly reporter: Reporter;
}

/** Of a delivery's time, kept for what follows from the answer. */
const SETTLE_RESERVE_MS = 2_000;
/** Of a call to a provider that sells at once; where bids are waited for, it is all that the delivery has. Others wait in line behind it. */
const PLAIN_CALL_MS = 25_000;
/** Nothing that the next request could change. */
const REFUSALS: readonly ErrorCode[] = ['provider_unauthorized', 'provider_funds'];

/**
 * A provider that hangs costs each delivery its whole time, and they come one at a time: after a few in a row it is not asked
 * for a moment, so that those that have waited long enough can go elsewhere.
 */
export function asking(
  providers: ReadonlyMap<string, Provider>,
  deps: ReportDeps & { readonly metrics: Metrics },
): Asking {
  const { hostClock, metrics } = deps;
  const counters = new Map([...providers].map(([id, provider]) => [id, counterOf(provider, deps, metrics)]));

  /** The call's answer, or how it failed. */
  const call = async <T>(
    id: string,
    context: CallContext,
    work: (provider: Provider, context: CallContext) => Promise<T>,
  ): Promise<{ readonly value: T } | AuroraError> => {
    const counter = counters.get(id);
    if (counter === undefined)
      return new RejectedError('provider_unknown', `no adapter for provider ${JSON.stringify(id)}`);
    const { provider, breaker, reporter } = counter;
    if (!breaker.allow(hostClock.now()))
      return new TransientError('provider_unavailable', `${id} is not asked for now: it has failed again and again`);
    try {
      const latest = provider.capabilities.bids ? Number.POSITIVE_INFINITY : hostClock.now() + PLAIN_CALL_MS;
      const deadline = Math.min(context.deadline - SETTLE_RESERVE_MS, latest);
      const value = await work(provider, { ...context, deadline });
      breaker.success(hostClock.now());
      return { value };
    } catch (thrown) {
      const error = codedError(thrown);
      // What our own store refuses, such as an attempt that its tenant gives up meanwhile, is no word on the provider.
      if (error.retryable && error.code !== 'state_unavailable') breaker.failure(hostClock.now());
      else breaker.success(hostClock.now());
      if (REFUSALS.includes(error.code)) reporter.refuses({ code: error.code, message: error.message });
      return error;
    }
  };

  return {
    async deploy(request, begun, context) {
      const { decision_id: requestId, option } = request;
      const offer = { offer_id: option.offer_id, usd_per_gpu_hour: option.advertised_usd_per_gpu_hour };
      const made = await call(option.provider, context, async (provider, bounded) => {
        const there = begun.instanceId === null ? null : await provider.status(begun.instanceId, bounded);
        // It has run, or runs: what became of it is watch's to say. Of one that came to nothing the provider knows nothing.
        if (there !== null && (there.request_id ?? requestId) === requestId) return there;
        return provider.deploy(offer, specOf(request), { ...bounded, requestId, begun: begun.note });
      });
      if ('value' in made) {
        // Not by a look-up that succeeds: who has no money left may still look.
        counters.get(option.provider)?.reporter.refuses(null);
        return { kind: 'made', instanceId: made.value.instance_id };
      }
      return { kind: made.retryable ? 'silent' : 'refused', error: made };
    },
    async release({ decision_id: requestId, option }, context) {
      const ended = await call(option.provider, context, async (provider, bounded) => {
        const instanceId = await provider.find(requestId, bounded);
        if (instanceId !== null) await provider.terminate(instanceId, bounded);
      });
      return 'value' in ended ? null : ended;
    },
    async terminate(id, instanceId, context) {
      await providers.get(id)?.terminate(instanceId, context);
    },
    took: (id, waitedMs) => counters.get(id)?.reporter.took(waitedMs),
    async start() {
      await Promise.all([...counters.values()].map(({ reporter }) => reporter.begin()));
    },
    async stop() {
      await Promise.all([...counters.values()].map(({ reporter }) => reporter.stop()));
    },
  };
}

function counterOf(provider: Provider, deps: ReportDeps, metrics: Metrics): Counter {
  const breaker = createBreaker({ name: provider.id, onChange: () => reporter.changed() });
  const reporter = createReporter(breaker, deps);
  showBreaker(metrics, breaker);
  return { provider, breaker, reporter };
}

const specOf = ({ request: workload, option }: DeploymentRequest): DeploySpec => ({
  gpu_type: workload.gpu_type,
  region: workload.region,
  gpu_count: workload.gpu_count,
  gpu_hours: workload.gpu_hours,
  workload_type: workload.workload_type,
  max_usd_per_gpu_hour: lower(workload.max_price, option.max_usd_per_gpu_hour ?? null),
  image: workload.image ?? WORKLOAD_IMAGE_DEFAULT,
  port: workload.port ?? WORKLOAD_PORT_DEFAULT,
});

/** Null: no limit. */
const lower = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.min(a, b);

/** The router's metrics, named as the cluster knows them. Labels are bounded: providers that are configured, modes, codes, reasons. */
import { LINEAR, RULES } from '#shared/domain/actor.ts';
import type { DeploymentsSummary } from '#shared/domain/provider-report.ts';
import type { ErrorCode } from '#shared/errors.ts';
import { deploymentGauges, providerGauges } from '#shared/serving/provider-gauges.ts';
import type { CounterChild, HistogramChild, Labelled, Metrics } from '#shared/telemetry/metrics.ts';
import type { RouteAnswer } from './answer.ts';
import type { Standings } from './standing.ts';

export interface Figures {
  /** A decision made now, and host milliseconds from its request to its answer. */
  decided(answer: RouteAnswer, arm: string | null, tookMs: number): void;
  failed(code: ErrorCode): void;
  /** What was last heard of providers and deployments. */
  show(standings: Standings, deployments: DeploymentsSummary | null): void;
}

/** From what the hot path takes at its best, to the deadline of a request. */
const BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10];
/** Of what is not a provider's. */
const NONE = 'none';

export function createFigures(metrics: Metrics): Figures {
  const requests = bound(
    metrics.counter({
      name: 'aurora_route_requests_total',
      help: 'Routing decisions, and requests that came to none (failed)',
      labels: ['provider', 'status'],
    }),
  );
  const durations = bound(
    metrics.histogram({
      name: 'aurora_route_duration_seconds',
      help: 'From a request to its decision, durable',
      labels: ['provider', 'mode'],
      buckets: BUCKETS_S,
    }),
  );
  const failures = bound(
    metrics.counter({
      name: 'aurora_route_failures_total',
      help: 'Requests that deployed nothing: by the error code, or by what the nearest offer lacked',
      labels: ['provider', 'reason'],
    }),
  );
  const modes = bound(
    metrics.counter({ name: 'aurora_ai_decisions_total', help: 'Routing decisions by mode', labels: ['mode'] }),
  );
  const arms = bound(
    metrics.counter({
      name: 'aurora_ai_arm_decisions_total',
      help: 'Routing decisions by who acted where actors are compared; none: no trial and no share',
      labels: ['arm'],
    }),
  );
  const show = standingGauges(metrics);
  return {
    decided(answer, arm, tookMs) {
      const { provider, mode, status, excluded } = answer;
      requests({ provider: provider ?? NONE, status }).add();
      durations({ provider: provider ?? NONE, mode }).observe(tookMs / 1000);
      modes({ mode }).add();
      arms({ arm: armLabel(arm) }).add();
      if (provider === null) failures({ provider: NONE, reason: excluded[0]?.reason ?? 'no_offers' }).add();
    },
    failed(code) {
      requests({ provider: NONE, status: 'failed' }).add();
      failures({ provider: NONE, reason: code }).add();
    },
    show,
  };
}

/** Versions come and go; a label must not. */
const armLabel = (arm: string | null): string =>
  arm === null ? NONE : arm === RULES || arm === LINEAR ? arm : 'version';

/** Who was there once is shown on, as unknown. */
function standingGauges(metrics: Metrics): Figures['show'] {
  const report = providerGauges(metrics);
  const { active, reward } = deploymentGauges(metrics);
  const shown = new Set<string>();
  return (standings, deployments) => {
    for (const provider of [...standings.keys(), ...Object.keys(deployments?.active ?? {})]) shown.add(provider);
    for (const provider of shown) {
      report(provider, standings.get(provider)?.report ?? null);
      active(provider, deployments?.active[provider] ?? null);
    }
    reward(deployments?.reward?.mean ?? null);
  };
}

/** The child of some label values, bound once: looking it up anew costs more than counting. */
function bound<L extends string, Child extends CounterChild | HistogramChild>(
  metric: Labelled<L, Child>,
): (values: Readonly<Record<L, string>>) => Child {
  const known = new Map<string, Child>();
  return (values) => {
    const key = Object.values(values).join('\n');
    const found = known.get(key) ?? metric.with(values);
    known.set(key, found);
    return found;
  };
}

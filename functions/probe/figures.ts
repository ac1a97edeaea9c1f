/** What of the probes is scraped. */
import type { CheckStatus } from '#shared/domain/probe.ts';
import type { AlertState } from '#shared/probes/alerting.ts';
import type { RunReport } from '#shared/probes/run.ts';
import type { Metrics } from '#shared/telemetry/metrics.ts';
import type { NotDue } from './decide.ts';

export interface Figures {
  ran(report: RunReport, state: AlertState): void;
  dropped(suite: string, why: NotDue): void;
}

/** As a number that one can draw; what is skipped is not known. */
const VALUE: Readonly<Record<CheckStatus, number>> = { pass: 1, fail: 0, error: Number.NaN, skipped: Number.NaN };

export function createFigures(metrics: Metrics): Figures {
  const up = metrics.gauge({
    name: 'aurora_probe_up',
    help: '1: the check passes, 0: it fails, NaN: it could not be looked at',
    labels: ['suite', 'check'],
  });
  const latency = metrics.gauge({
    name: 'aurora_probe_latency_seconds',
    help: 'Of the last attempt of a check',
    labels: ['suite', 'check'],
  });
  const results = metrics.counter({
    name: 'aurora_probe_results_total',
    help: 'Results of checks, by their status',
    labels: ['suite', 'check', 'status'],
  });
  const runs = metrics.counter({
    name: 'aurora_probe_runs_total',
    help: 'Runs, by what they came to',
    labels: ['suite', 'verdict'],
  });
  const took = metrics.gauge({ name: 'aurora_probe_run_seconds', help: 'Of the last run', labels: ['suite'] });
  const last = metrics.gauge({
    name: 'aurora_probe_last_run_timestamp_seconds',
    help: 'Unix time of the start of the last run',
    labels: ['suite'],
  });
  const fires = metrics.gauge({
    name: 'aurora_probe_alerts_firing',
    help: 'Checks whose alert fires',
    labels: ['suite'],
  });
  const drops = metrics.counter({
    name: 'aurora_probe_requests_dropped_total',
    help: 'Requests that were not run: older than a period, ahead of our clock, or of a period that was counted',
    labels: ['suite', 'reason'],
  });
  return {
    ran({ suite, verdict, duration_ms, started_at, results: found }, { checks }) {
      for (const { check_id: check, status, latency_ms } of found) {
        up.with({ suite, check }).set(VALUE[status]);
        if (latency_ms !== null) latency.with({ suite, check }).set(latency_ms / 1000);
        results.with({ suite, check, status }).add();
      }
      runs.with({ suite, verdict }).add();
      took.with({ suite }).set(duration_ms / 1000);
      last.with({ suite }).set(Date.parse(started_at) / 1000);
      fires.with({ suite }).set(Object.values(checks).filter(({ firing_since: since }) => since !== null).length);
    },
    dropped: (suite, reason) => drops.with({ suite, reason }).add(),
  };
}

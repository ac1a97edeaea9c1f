import { type Payload, probeRequested, probeResult } from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { RejectedError, TransientError } from '#shared/errors.ts';
import type { Bus } from '#shared/ports/bus.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { Objects } from '#shared/ports/objects.ts';
import { latestRunOf, type RunReport, runSuite } from '#shared/probes/run.ts';
import type { Suite } from '#shared/probes/suite.ts';
import { jsonBytes } from '#shared/registry/object-json.ts';
import { eventFunction } from '#shared/runtime/event-function.ts';
import { json, type RuntimeDeps } from '#shared/runtime/http-function.ts';
import { quarantineOver } from '#shared/runtime/quarantine.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { PROBE_BUDGET_MS } from '#shared/topology.ts';
import { createAlerts } from './alerts.ts';
import { isDue, periodOf, runIdOf } from './decide.ts';
import { createFigures } from './figures.ts';
import type { Probes } from './probes.ts';

export interface ProbeDeps extends RuntimeDeps, Probes {
  readonly worldClock: WorldClock;
  readonly bus: Bus;
  readonly objects: Objects;
}

/** Beside the suite's own deadline: to publish, to count, and to call for as long as alerts.ts does. */
const AFTERWARDS_MS = 20_000;

export function createProbe(deps: ProbeDeps): FunctionApp {
  const { bus, hostClock, log, metrics, webhook } = deps;
  for (const suite of deps.suites) refuseLong(suite);
  const suites = new Map(deps.suites.map((suite) => [suite.id, suite]));
  const figures = createFigures(metrics);
  const alerts = createAlerts(deps);

  const request = async (suite: Suite): Promise<string> => {
    const payload = { suite: suite.id, requested_at: rfc3339(hostClock.now()), requested_by: 'cron' };
    await bus.publish(probeRequested.topic, [encodeEvent(probeRequested, payload)]);
    return probeRequested.eventId(payload);
  };

  async function answer({ suite: id, requested_at }: Payload<'probe-requested'>, signal: AbortSignal): Promise<void> {
    const suite = suites.get(id);
    if (suite === undefined)
      throw new RejectedError('suite_unknown', `suite ${id}: expected one of ${[...suites.keys()].join(', ')}`);
    const requestedMs = Date.parse(requested_at);
    const state = await alerts.read(suite.id);
    const due = isDue({ suite, requestedMs, nowMs: hostClock.now(), state });
    if (due !== 'due') {
      figures.dropped(suite.id, due);
      log.info({ suite: suite.id, requested_at, why: due }, 'a request to probe is dropped');
      return;
    }
    const period = periodOf(suite, requestedMs);
    const report = await runSuite({ suite, tools: deps.tools(), runId: runIdOf(suite, period), signal, only: null });
    // What was not looked at any more is no finding.
    if (signal.aborted) throw new TransientError('deadline_exceeded', `${report.run_id} was broken off`);
    await record(report);
    await remember(report);
    const counted = await alerts.count(suite, period, report);
    if (counted === null) return;
    figures.ran(report, counted);
    logRun(report);
    await alerts.tell(suite.id, counted.untold, signal);
  }

  async function record({ results }: RunReport): Promise<void> {
    if (results.length > 0)
      await bus.publish(
        probeResult.topic,
        results.map((result) => encodeEvent(probeResult, result)),
      );
  }

  /** For whoever shows the last run; the record has them all. */
  const remember = async (report: RunReport): Promise<void> => {
    await deps.objects.write(latestRunOf(report.suite), jsonBytes(report), {});
  };

  function logRun({ suite, run_id, verdict, results, duration_ms }: RunReport): void {
    for (const { check_id, status, evidence, remedy } of results.filter(({ status }) => status !== 'pass'))
      log.warn({ suite, run_id, check_id, status, evidence, remedy }, 'a check did not pass');
    log.info({ suite, run_id, verdict, checks: results.length, duration_ms }, 'probed');
  }

  return eventFunction({
    name: 'probe',
    deps,
    worldClock: deps.worldClock,
    accepts: ['probe-requested'],
    deadlineMs: AFTERWARDS_MS + Math.max(0, ...deps.suites.map(({ deadlineMs }) => deadlineMs)),
    quarantine: quarantineOver(bus),
    routes: [
      {
        method: 'POST',
        path: '/run',
        handle: async () => json(200, { event_ids: await Promise.all(deps.suites.map(request)) }),
      },
    ],
    stop: async () => {
      await webhook?.close();
      await deps.close?.();
    },
    handle: (event, context) => answer(probeRequested.schema.parse(event.payload), context.signal),
  });
}

/** @throws RejectedError suite_invalid: the bus would send the request again while it is still being answered */
function refuseLong({ id, deadlineMs }: Suite): void {
  const mostMs = PROBE_BUDGET_MS - AFTERWARDS_MS;
  if (deadlineMs <= mostMs) return;
  throw new RejectedError(
    'suite_invalid',
    `suite ${id}: deadline_s: expected at most ${mostMs / 1_000}, for the function has ${PROBE_BUDGET_MS / 1_000} s for all, got ${deadlineMs / 1_000}`,
  );
}

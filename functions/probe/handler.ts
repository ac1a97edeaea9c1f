import { type Payload, probeRequested, probeResult } from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { RejectedError } from '#shared/errors.ts';
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
import { createAlerts } from './alerts.ts';
import { isDue, runIdOf, slotOf } from './decide.ts';
import { createFigures } from './figures.ts';
import type { Probes } from './probes.ts';

export interface ProbeDeps extends RuntimeDeps, Probes {
  readonly worldClock: WorldClock;
  readonly bus: Bus;
  readonly objects: Objects;
}

/** Beside the suite's own deadline: to publish, to count, to call. */
const AFTERWARDS_MS = 15_000;

export function createProbe(deps: ProbeDeps): FunctionApp {
  const { bus, hostClock, log, metrics, webhook } = deps;
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
    const slot = slotOf(suite, requestedMs);
    const counted = await alerts.lastSlot(suite.id);
    const due = isDue({ suite, requestedMs, nowMs: hostClock.now(), countedSlot: counted });
    if (due !== 'due') {
      figures.dropped(suite.id, due);
      log.info({ suite: suite.id, requested_at, why: due }, 'a request to probe is dropped');
      return;
    }
    const report = await runSuite({ suite, tools: deps.tools(), runId: runIdOf(suite, slot), signal, only: null });
    await record(report);
    await remember(report);
    await alerts.count(suite, slot, report, signal);
    figures.ran(report, await alerts.firing(suite.id));
    logRun(report);
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

/**
 * Counts runs and tells what changed. The state of a suite is one object, `probes/<suite>/alerts.json`, written by compare-and-swap:
 * of two instances with the same run the second finds it counted, and tells nobody. What is to be told is in the object first, and
 * taken out when it was told: in one write, for Cloud Storage takes one a second.
 */
import { alertChanged } from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import type { AlertTransition } from '#shared/domain/probe.ts';
import { TransientError } from '#shared/errors.ts';
import type { Bus } from '#shared/ports/bus.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import type { Objects } from '#shared/ports/objects.ts';
import { type AlertState, alertState, countRun, QUIET } from '#shared/probes/alerting.ts';
import type { RunReport } from '#shared/probes/run.ts';
import type { Suite } from '#shared/probes/suite.ts';
import { isCorrupt, isPreconditionFailed, jsonBytes, parseObject, readObject } from '#shared/registry/object-json.ts';
import type { Webhook } from './webhook.ts';

export interface AlertsDeps {
  readonly objects: Objects;
  readonly bus: Bus;
  readonly log: Log;
  readonly hostClock: HostClock;
  readonly webhook: Webhook | null;
}

export interface Alerts {
  read(suite: string): Promise<AlertState>;
  /** What is to be told once the run is counted; null: another instance has counted this period, and tells. */
  count(suite: Suite, period: string, report: RunReport): Promise<AlertState | null>;
  /** @throws TransientError when somebody could not be told: the next run tries again */
  tell(suite: string, untold: readonly AlertTransition[], signal: AbortSignal): Promise<void>;
}

/** Host milliseconds after which no further call of the webhook begins. */
const TELL_MS = 10_000;

/** Each lost round means that another writer won one: runs of one suite overlap seldom, and never so many. */
const ATTEMPTS = 16;

export function createAlerts({ objects, bus, log, hostClock, webhook }: AlertsDeps): Alerts {
  interface Held {
    readonly state: AlertState;
    readonly generation: string;
  }

  async function read(suite: string): Promise<Held> {
    const name = nameOf(suite);
    try {
      const stored = await readObject(objects, name);
      if (stored === null) return { state: QUIET, generation: '0' };
      return { state: parseObject(name, stored.bytes, alertState), generation: stored.generation };
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      // Alerts begin anew: a person is told a second time at worst, and never not at all.
      log.error({ suite, error: error.message }, 'the state of alerts cannot be read; it is begun anew');
      const { generation } = error.details ?? {};
      return { state: QUIET, generation: typeof generation === 'string' ? generation : await generationOf(name) };
    }
  }

  const generationOf = async (name: string): Promise<string> => (await objects.read(name))?.generation ?? '0';

  /** What `next` makes of the newest state; null, and nothing is written: the same. */
  async function change(suite: string, next: (state: AlertState) => AlertState): Promise<AlertState | null> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const { state, generation } = await read(suite);
      const changed = next(state);
      if (changed === state) return null;
      try {
        await objects.write(nameOf(suite), jsonBytes(changed), { generationMatch: generation });
        return changed;
      } catch (error) {
        if (!isPreconditionFailed(error)) throw error;
      }
    }
    throw new TransientError('objects_unavailable', `${nameOf(suite)}: ${ATTEMPTS} other writers were faster`);
  }

  /** One whom the webhook does not take stands in the way of no other. */
  async function call(untold: readonly AlertTransition[], signal: AbortSignal) {
    if (webhook === null) return { told: untold, failure: null };
    const untilMs = hostClock.now() + TELL_MS;
    const told: AlertTransition[] = [];
    let failure: unknown = null;
    for (const transition of untold) {
      if (signal.aborted || hostClock.now() > untilMs) break;
      try {
        await webhook.tell(transition, signal);
        told.push(transition);
      } catch (error) {
        failure ??= error;
      }
    }
    return { told, failure };
  }

  return {
    read: async (suite) => (await read(suite)).state,
    count: (suite, period, report) =>
      change(suite.id, (state) =>
        countRun(state, {
          period,
          runId: report.run_id,
          suite: suite.id,
          at: report.started_at,
          results: report.results,
          rules: new Map(suite.checks.map(({ id, alert }) => [id, alert])),
        }),
      ),
    async tell(suite, untold, signal) {
      if (untold.length === 0) return;
      await bus.publish(
        alertChanged.topic,
        untold.map((transition) => encodeEvent(alertChanged, transition)),
      );
      const { told, failure } = await call(untold, signal);
      for (const transition of told)
        log.warn({ ...transition }, transition.state === 'firing' ? 'an alert fires' : 'an alert is over');
      if (told.length > 0)
        await change(suite, (state) => ({
          ...state,
          untold: state.untold.filter((one) => !told.some((other) => isSame(one, other))),
        }));
      if (failure !== null) throw failure;
      if (told.length < untold.length)
        throw new TransientError('deadline_exceeded', `${untold.length - told.length} alerts are yet to be told`);
    },
  };
}

const nameOf = (suite: string): string => `probes/${suite}/alerts.json`;
const isSame = (one: AlertTransition, other: AlertTransition): boolean =>
  one.dedupe_key === other.dedupe_key && one.state === other.state;

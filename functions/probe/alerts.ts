/**
 * Counts runs and tells what changed. The state of a suite is one object, `probes/<suite>/alerts.json`, written by compare-and-swap:
 * of two instances with the same run the second finds it counted. What is to be told is in the object first, and taken out when it
 * was told.
 */
import { alertChanged } from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import type { AlertTransition } from '#shared/domain/probe.ts';
import { TransientError } from '#shared/errors.ts';
import type { Bus } from '#shared/ports/bus.ts';
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
  readonly webhook: Webhook | null;
}

export interface Alerts {
  /** Of the newest run that was counted; -1: none. */
  lastSlot(suite: string): Promise<number>;
  /** How many checks fire. */
  firing(suite: string): Promise<number>;
  /** @throws TransientError when somebody could not be told: the next run does */
  count(suite: Suite, slot: number, report: RunReport, signal: AbortSignal): Promise<void>;
}

/** Each lost round means that another writer won one: runs of one suite overlap seldom, and never so many. */
const ATTEMPTS = 16;

export function createAlerts({ objects, bus, log, webhook }: AlertsDeps): Alerts {
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

  /** What `change` makes of the newest state; it is not written when that is the same. */
  async function change(suite: string, next: (state: AlertState) => AlertState): Promise<AlertState> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const { state, generation } = await read(suite);
      const changed = next(state);
      if (changed === state) return state;
      try {
        await objects.write(nameOf(suite), jsonBytes(changed), { generationMatch: generation });
        return changed;
      } catch (error) {
        if (!isPreconditionFailed(error)) throw error;
      }
    }
    throw new TransientError('objects_unavailable', `${nameOf(suite)}: ${ATTEMPTS} other writers were faster`);
  }

  async function tell(suite: string, untold: readonly AlertTransition[], signal: AbortSignal): Promise<void> {
    for (const transition of untold) {
      await bus.publish(alertChanged.topic, [encodeEvent(alertChanged, transition)]);
      if (webhook !== null) await webhook.tell(transition, signal);
      await change(suite, (state) => ({
        ...state,
        untold: state.untold.filter((other) => !isSame(other, transition)),
      }));
      log.warn({ ...transition }, transition.state === 'firing' ? 'an alert fires' : 'an alert is over');
    }
  }

  return {
    lastSlot: async (suite) => (await read(suite)).state.last_slot,
    firing: async (suite) =>
      Object.values((await read(suite)).state.checks).filter(({ firing_since: since }) => since !== null).length,
    async count(suite, slot, report, signal) {
      const { untold } = await change(suite.id, (state) =>
        countRun(state, {
          slot,
          runId: report.run_id,
          suite: suite.id,
          at: report.started_at,
          results: report.results,
          rules: new Map(suite.checks.map(({ id, alert }) => [id, alert])),
        }),
      );
      await tell(suite.id, untold, signal);
    },
  };
}

const nameOf = (suite: string): string => `probes/${suite}/alerts.json`;
const isSame = (one: AlertTransition, other: AlertTransition): boolean =>
  one.dedupe_key === other.dedupe_key && one.state === other.state;

/** What route looks at again and again, so that no request waits for it: offers, control, providers, deployments, the queue before deploy. */
import { POLL_INTERVAL_MS, WAITING_POLL_MS } from '#shared/defaults.ts';
import type { Control, Stage } from '#shared/domain/control.ts';
import {
  DEPLOYER_PREFIX,
  DEPLOYMENTS_OBJECT,
  type DeployerReport,
  type DeploymentsSummary,
  deployerReport,
  deploymentsSummary,
  PROVIDERS_OBJECT,
  providersSnapshot,
} from '#shared/domain/provider-report.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import type { Objects } from '#shared/ports/objects.ts';
import type { State } from '#shared/ports/state.ts';
import { parseJson } from '#shared/runtime/parse-json.ts';
import { type Poller, poll } from '#shared/runtime/poller.ts';
import { polledControl } from '#shared/serving/control.ts';
import { type IndexedOffers, polledOffers } from '#shared/serving/offers.ts';
import { type Polled, polledObject } from '#shared/serving/polled-object.ts';
import { type Standings, standingsOf } from './standing.ts';

export interface WorldDeps {
  readonly objects: Objects;
  readonly state: State;
  readonly hostClock: HostClock;
  readonly log: Log;
  readonly stage: Stage;
  /** Deployments requested and not yet taken by deploy; null: the bus cannot tell. */
  readonly waiting: () => Promise<number | null>;
}

export interface World {
  /** Looks once at everything, then goes on looking. */
  start(): Promise<void>;
  stop(): Promise<void>;
  offers(): Polled<IndexedOffers> | null;
  control(): Control;
  standings(): Standings;
  /** Null: nobody has written one that can be read. */
  deployments(): DeploymentsSummary | null;
  waiting(): number | null;
}

/** More providers than anybody configures. */
const MAX_DEPLOYERS = 256;

/** @param looked told after each look */
export function polledWorld(deps: WorldDeps, looked: (world: World) => void): World {
  const { objects, state, hostClock, log, stage, waiting: look } = deps;
  const offers = polledOffers(objects, log);
  const control = polledControl(objects, stage, log);
  const object = <T>(name: string, parse: (bytes: Uint8Array) => T) => polledObject({ name, objects, log, parse });
  const providers = object(PROVIDERS_OBJECT, (bytes) => parseJson(bytes, providersSnapshot));
  const deployments = object(DEPLOYMENTS_OBJECT, (bytes) => parseJson(bytes, deploymentsSummary));
  const deployers = deployerReports(state, log);
  const pollers: Poller[] = [];
  let standings: Standings = new Map();
  let waiting: number | null = null;

  const refresh = async (): Promise<void> => {
    const looks = [offers, control, providers, deployments, deployers].map((one) => one.refresh());
    await Promise.all(looks);
    // What cannot be read now may say that all is well again.
    const snapshot = providers.lastError() === null ? (providers.current()?.value ?? null) : null;
    standings = standingsOf(snapshot, deployers.current());
    looked(world);
  };
  const count = async (): Promise<void> => {
    waiting = await look();
  };
  const world: World = {
    async start() {
      await Promise.all([refresh(), count()]);
      pollers.push(
        poll({ name: 'route-objects', everyMs: POLL_INTERVAL_MS, hostClock, log, run: refresh }),
        poll({ name: 'route-waiting', everyMs: WAITING_POLL_MS, hostClock, log, run: count }),
      );
    },
    async stop() {
      await Promise.all(pollers.map((poller) => poller.stop()));
    },
    offers: offers.current,
    control: control.current,
    standings: () => standings,
    deployments: () => (deployments.lastError() === null ? (deployments.current()?.value ?? null) : null),
    waiting: () => waiting,
  };
  return world;
}

/** The reports of deploy as they were at the last look; none while they cannot be read. Said once. */
function deployerReports(state: State, log: Log) {
  let current: readonly DeployerReport[] = [];
  let failure: string | null = null;
  return {
    current: () => current,
    async refresh(): Promise<void> {
      try {
        const entries = await state.list(DEPLOYER_PREFIX, { limit: MAX_DEPLOYERS });
        current = entries.flatMap(({ value }) => deployerReport.safeParse(value).data ?? []);
        failure = null;
      } catch (error) {
        current = [];
        const said = String(error);
        if (said !== failure) log.warn({ error }, 'reports of deploy cannot be read; they keep nobody out');
        failure = said;
      }
    },
  };
}

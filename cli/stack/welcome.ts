import { join } from 'node:path';
import { MS_PER_HOUR } from '#shared/defaults.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { Market } from '#sim/market/market.ts';
import type { ScenarioSpec } from '#sim/market/scenario.ts';
import { table } from '../table.ts';
import type { ClusterDoors } from './cluster.ts';

export interface WelcomeView {
  readonly directory: string;
  readonly frontDoor: string;
  readonly operationsPort: number;
  readonly functions: readonly { readonly name: string; readonly url: string }[];
  /** Whose API is asked over HTTP. */
  readonly marketplaces: readonly { readonly name: string; readonly url: string; readonly simulated: boolean }[];
  /** The simulated one; null: none. */
  readonly cluster: ClusterDoors | null;
  readonly market: Pick<Market, 'spec' | 'seed' | 'startMs'>;
  /** Null: whatever the market itself says. */
  readonly scenario: ScenarioSpec | null;
  readonly speed: number;
  readonly perSecond: number;
  /** World time, epoch milliseconds. */
  readonly nowMs: number;
}

/** What a person reads when the stack is up. */
export function welcome(view: WelcomeView): string {
  const { directory, frontDoor, functions, cluster, market, scenario, speed, perSecond } = view;
  const doors = table(
    [
      ['front door', frontDoor, 'POST /route, POST /agent/route, GET /deployments, GET /providers'],
      ...functions.map(({ name, url }) => [name, url, 'GET /health, /ready, /metrics']),
      ...view.marketplaces.map(({ name, url, simulated }) => [
        name,
        url,
        simulated ? 'simulated marketplace: GET /_fake/log, /_fake/bills' : 'the real marketplace: this costs money',
      ]),
      ...(cluster === null
        ? []
        : [
            ['cluster', cluster.apiTlsUrl, `simulated, for kubectl: --kubeconfig ${cluster.kubeconfig}`],
            ['ingress', cluster.ingressUrl, 'what runs in the cluster, by the header host'],
            ['faults', cluster.faultsUrl, 'what goes wrong there: GET, PUT /_fake/faults'],
          ]),
    ],
    ['FUNCTION', 'URL', 'DOORS'],
  );
  const traffic = perSecond === 0 ? 'no traffic' : `${perSecond} requests/s`;
  return `Aurora Intelligence runs on this machine; state in ${directory}, log in ${join(directory, 'aurora.log')}
Market ${market.spec.name}, seed ${market.seed}; ${traffic}; world time runs ${speed === 1 ? 'as yours' : `${speed} times as fast`}${scenario === null ? '' : `\n${scenarioLine(scenario, market.startMs, view.nowMs)}`}

${doors}

Ask for scores:   curl -s -XPOST ${frontDoor}/agent/route -d '{"workload_type":"llm_inference","gpu_type":"a100","region":"us-west","gpu_hours":4}'
Ask for GPUs:     npx vm route --gpu a100 --region us-west --hours 2${at(directory)}; npx vm deployments${at(directory)}; npx vm providers${at(directory)}
Look closer:      npx vm status${at(directory)}; npx vm smoke${at(directory)}; npx vm models list${at(directory)}; npx vm trials${at(directory)}      Stop: Ctrl-C

`;
}

/** The words that lead a second terminal to this stack. */
const at = (directory: string): string => (directory === '.aurora' ? '' : ` --dir ${directory}`);

/** The same as one JSON value. */
export const welcomeJson = (view: WelcomeView): string =>
  JSON.stringify({
    type: 'up',
    front_door: view.frontDoor,
    operations_port: view.operationsPort,
    market: view.market.spec.name,
    scenario: view.scenario?.name ?? null,
    functions: view.functions,
    marketplaces: view.marketplaces,
    cluster: view.cluster,
  });

/** When it happens, in world time: hours of a scenario count from the first start of the market. */
function scenarioLine({ name, events }: ScenarioSpec, startMs: number, nowMs: number): string {
  const instant = (hours: number): string =>
    rfc3339(startMs + hours * MS_PER_HOUR)
      .slice(0, 16)
      .replace('T', ' ');
  const from = Math.min(...events.map((event) => event.from_h));
  const to = Math.max(...events.map((event) => event.to_h));
  if (events.length === 0) return `Scenario ${name}: no events`;
  const over = nowMs >= startMs + to * MS_PER_HOUR;
  const when = `${events.length} events from ${instant(from)} to ${instant(to)} world time`;
  return `Scenario ${name}: ${when}${over ? '; all over, for its hours count from the first start here: take a fresh --dir' : ''}`;
}

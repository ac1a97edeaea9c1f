/**
 * The cloud on this machine: Google's Pub/Sub emulator, fakes of Cloud Storage and BigQuery, and each deployed function in a
 * process of its own that may be killed. Deploy, watch and collect run here, over a market of the test, for there is no adapter of
 * a real one yet; so do the fakes, which nobody kills.
 */
import { hostClock } from '#shared/adapters/clock/host.ts';
import { parseConfig } from '#shared/config.ts';
import type { Outcome } from '#shared/domain/outcome.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { Platform } from '#shared/platform.ts';
import { createPlatform } from '#shared/platform-choice.ts';
import { type Closer, closeTogether, withClosers } from '#shared/runtime/closing.ts';
import { createLog } from '#shared/telemetry/log.ts';
import type { MarketSpec } from '#sim/market/spec.ts';
import { PROJECT } from '#test/support/bigquery/server.ts';
import { makeInfrastructure } from '#test/support/pubsub/infrastructure.ts';
import { outcomeRowOf } from '#test/support/record.ts';
import { tenantsVariable } from '#test/support/tenants.ts';
import { type FunctionProcess, IN_PROCESSES, type InProcess, startFunction } from './function-process.ts';
import { createQuickMarket, type QuickMarket } from './market.ts';
import { serveMarket } from './market-functions.ts';
import type { Moment } from './moments.ts';
import { freePorts } from './ports.ts';
import { startStores } from './stores.ts';

export interface CloudOptions {
  /** `host:port` of the emulator. */
  readonly pubsub: string;
  readonly spec: MarketSpec;
  readonly seed: number;
  /** Outcomes of former times, on record before anything starts. */
  readonly history: readonly Outcome[];
  /** One run ends in so many milliseconds. */
  readonly runEndsEveryMs: number;
}

export interface Cloud {
  /** RFC 3339: what was decided before is history. */
  readonly since: string;
  readonly functions: Readonly<Record<InProcess, FunctionProcess>>;
  /** This process's own ports: the same stores, the same bus. */
  readonly platform: Platform;
  readonly market: QuickMarket;
  /** Event ids of the outcomes that were published. */
  readonly published: ReadonlySet<string>;
  /** What the bus gave up, `topic: data`. */
  readonly deadLetters: readonly string[];
  /** Processes that ended by themselves. */
  readonly findings: readonly string[];
  /** Kills the function as soon as its moment comes; resolves then. */
  killAt(moment: Moment): Promise<void>;
  /** Resolves when nothing has become durable in either store for so long. */
  quiet(ms: number): Promise<void>;
}

const LOOK_EVERY_MS = 250;

export const withCloud = <T>(options: CloudOptions, work: (cloud: Cloud) => Promise<T>): Promise<T> =>
  withClosers(async (defer) => work(await startCloud(options, defer)));

async function startCloud(options: CloudOptions, defer: (closer: Closer) => void): Promise<Cloud> {
  const { pubsub, history } = options;
  const startedMs = hostClock.now();
  const stores = await startStores(pubsub, defer);
  const tenants = options.spec.tenants.map(({ tenant_id: id }) => id);
  const environment = { ...stores.environment, AURORA_TENANTS: tenantsVariable(...tenants) };
  const log = createLog({ level: 'silent' });
  const platform = await createPlatform({ config: parseConfig(environment), hostClock, log, random: Math.random });
  defer(() => platform.close());

  const warehouse = await platform.warehouse();
  await warehouse.append(
    'routing_outcomes',
    history.map((outcome) => outcomeRowOf(outcome, startedMs)),
  );
  const market = createQuickMarket({ ...options, clock: hostClock });
  const marketFunctions = await serveMarket(platform, market, defer);
  const ports = await freePorts(IN_PROCESSES.length);
  const urls = Object.fromEntries(IN_PROCESSES.map((name, at) => [name, `http://127.0.0.1:${ports[at]}`]));
  const infrastructure = await makeInfrastructure({
    endpoint: pubsub,
    projectId: PROJECT,
    urlOf: (name) => (name === 'deploy' ? marketFunctions.deployUrl : (urls[name] ?? '')),
  });
  defer(() => infrastructure.close());
  await marketFunctions.start();

  const findings: string[] = [];
  const start = (name: InProcess, at: number): FunctionProcess =>
    startFunction(name, {
      port: ports[at] ?? 0,
      environment: { ...environment, AURORA_SCORE_URL: urls['score'] ?? '' },
      onEnd: (finding) => void findings.push(finding),
    });
  const functions = Object.fromEntries(IN_PROCESSES.map((name, at) => [name, start(name, at)])) as Cloud['functions'];
  defer(() => closeTogether(Object.values(functions).map((one) => () => one.stop())));
  await Promise.all(Object.values(functions).map((one) => one.serves()));

  const awaited = new Set<{ readonly moment: Moment; readonly come: () => void }>();
  stores.onEffect = (effect) => {
    const due = [...awaited].find(({ moment }) => moment.is(effect));
    if (due === undefined) return false;
    awaited.delete(due);
    functions[due.moment.of].kill();
    due.come();
    return true;
  };
  return {
    since: rfc3339(startedMs),
    functions,
    platform,
    market,
    published: marketFunctions.published,
    deadLetters: infrastructure.deadLetters,
    findings,
    killAt: (moment) => new Promise((come) => void awaited.add({ moment, come })),
    async quiet(ms) {
      for (let [seen, still] = [stores.effects(), 0]; still < ms; still += LOOK_EVERY_MS) {
        await new Promise((resolve) => void setTimeout(resolve, LOOK_EVERY_MS));
        if (stores.effects() !== seen) [seen, still] = [stores.effects(), 0];
      }
    },
  };
}

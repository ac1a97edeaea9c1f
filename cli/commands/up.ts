/** `vm up`: the whole loop on one machine, until Ctrl-C. */
import { join } from 'node:path';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { parseConfig, readConfig } from '#shared/config.ts';
import type { Stage } from '#shared/domain/control.ts';
import type { Log } from '#shared/ports/log.ts';
import { type Closer, withClosers } from '#shared/runtime/closing.ts';
import { serveLean } from '#shared/runtime/hosts/lean.ts';
import { createLog } from '#shared/telemetry/log.ts';
import { loadMarketSpec, loadScenarioFor } from '#sim/market/load-spec.ts';
import type { ScenarioSpec } from '#sim/market/scenario.ts';
import type { MarketSpec } from '#sim/market/spec.ts';
import { arrivalGaps, trafficStream } from '#sim/traffic.ts';
import { type Command, type CommandContext, EXIT } from '../command.ts';
import { operationsDoor } from '../ops/server.ts';
import { startClockwork } from '../stack/clockwork.ts';
import { requirePorts } from '../stack/free-ports.ts';
import { frontDoor } from '../stack/front-door.ts';
import { startLive } from '../stack/live.ts';
import { liveJson, liveLine } from '../stack/live-line.ts';
import { readHolder } from '../stack/lock.ts';
import { logFile } from '../stack/log-file.ts';
import { opsPortOf } from '../stack/ports.ts';
import { screenOf } from '../stack/screen.ts';
import type { Stack } from '../stack/stack.ts';
import { untilStopped } from '../stack/stop-signal.ts';
import { startTraffic, type Traffic } from '../stack/traffic.ts';
import { takeDirectory } from '../stack/turn.ts';
import { type WelcomeView, welcome, welcomeJson } from '../stack/welcome.ts';
import { refuseSpending, startWorld, type World } from '../stack/world.ts';
import { numberOption, stageOption } from './options.ts';

const LINE_EVERY_MS = 1_000;
/** In a file or a pipe every line stays. */
const PLAIN_LINE_EVERY_MS = 5_000;

export const upCommand: Command = {
  name: 'up',
  summary: 'run the whole loop here: every function, the simulated market, live traffic',
  usage: '[options]',
  options: {
    traffic: { type: 'string', default: '20/s' },
    speed: { type: 'string', default: '600' },
    port: { type: 'string', default: '8080' },
    market: { type: 'string', default: 'default' },
    scenario: { type: 'string' },
    seed: { type: 'string', default: '1' },
    deviation: { type: 'string', default: '1' },
    'keep-days': { type: 'string', default: '120' },
    stage: { type: 'string' },
  },
  help: {
    traffic: 'simulated requests per second, e.g. 20/s; 0 for none (default 20/s)',
    speed: 'world seconds per second (default 600: a ten-hour run takes a minute)',
    port: 'front door; the functions follow on the next ports (default 8080; 0: any free)',
    market: 'default, second, or the path of a market spec (default: default)',
    scenario: 'what happens to the providers: storm, or the path of a scenario spec (default: what the market says)',
    seed: 'of the market (default 1)',
    'keep-days': 'days of world time that the record goes back; imported records stay (default 120)',
    stage:
      'who may act from now on: apprentice, auto or online; goes on record (default: what was said last, else auto)',
    deviation: '0: providers keep their promises, 1: as the market has it (default 1)',
  },
  takes: {
    traffic: 'N/s',
    speed: 'N',
    market: 'NAME|FILE',
    scenario: 'NAME|FILE',
    seed: 'N',
    deviation: 'SHARE',
    'keep-days': 'DAYS',
    stage: 'STAGE',
  },
  examples: [
    'vm up',
    'vm up --traffic 0 --speed 1',
    'vm up --traffic 100/s --port 9000 --dir ./state',
    'vm up --market second --seed 3',
    'vm up --scenario storm --dir ./state',
    'vm up --stage online',
  ],
  positionals: { min: 0, max: 0 },
  run: up,
};

type Defer = (close: Closer) => void;

async function up({ directory, values, json, print }: CommandContext): Promise<number> {
  const settings = settingsOf(values);
  const { logLevel, stage, providers } = readConfig();
  const config = { ...parseConfig({ AURORA_DIR: directory }), speed: settings.speed, stage, providers };
  refuseSpending(settings, providers);
  const screen = screenOf(process.stderr);
  const { note } = screen;
  // Whoever holds the directory may hold the ports as well: then the directory is what to say.
  if ((await readHolder(directory)) === null) await requirePorts(settings.port);
  const lock = await takeDirectory({ directory, command: 'up', clock: hostClock, note });
  return withClosers(async (defer) => {
    defer(() => lock.release());
    const file = logFile(join(directory, 'aurora.log'), { note, clock: hostClock });
    defer(() => file.close());
    const log = createLog({ level: logLevel, destination: file });
    const stopping = untilStopped();
    defer(() => stopping.dispose());

    const world = await startWorld(settings, { config, directory, log, hostClock, defer });
    const { stack } = world;
    const { url, opsPort } = await openDoors(stack, { port: settings.port, token: lock.token, defer });
    await lock.announce({ port: opsPort, frontDoor: url });
    const more = world.feed === null ? [] : [world.feed];
    startClockwork(stack, { keepDays: settings.keepDays, more, hostClock, log, note, defer });
    const traffic = settings.perSecond === 0 ? null : startTenants(settings, { url, log, defer });

    const view = viewOf(settings, { directory, url, opsPort, world });
    print(json ? welcomeJson(view) : welcome(view));
    defer(() => note('stopped; vm up goes on from here.'));
    defer(() => screen.settle());
    const live = startLive({
      stack,
      traffic,
      everyMs: screen.inPlace && !json ? LINE_EVERY_MS : PLAIN_LINE_EVERY_MS,
      hostClock,
      log,
      note,
      show: (now) => (json ? print(liveJson(now)) : screen.show(liveLine(now))),
    });
    defer(() => live.stop());
    const signal = await stopping.stopped;
    note(`${signal}: draining ...`);
    return EXIT.ok;
  });
}

interface Settings {
  readonly perSecond: number;
  readonly speed: number;
  readonly port: number;
  readonly seed: number;
  readonly deviation: number;
  readonly keepDays: number;
  readonly spec: MarketSpec;
  readonly scenario: ScenarioSpec | null;
  /** Null: nobody said one. */
  readonly stage: Stage | null;
}

/** @throws RejectedError usage, config_invalid: before anything is opened */
function settingsOf(values: CommandContext['values']): Settings {
  const perSecond = { traffic: String(values['traffic']).replace(/\/s$/, '') };
  const spec = loadMarketSpec(String(values['market']));
  const seed = numberOption(values, 'seed', { min: 0, max: 2 ** 31, whole: true });
  const { scenario } = values;
  return {
    perSecond: numberOption(perSecond, 'traffic', { min: 0, max: 10_000 }),
    speed: numberOption(values, 'speed', { min: 1, max: 100_000 }),
    port: numberOption(values, 'port', { min: 0, max: 65_500, whole: true }),
    seed,
    deviation: numberOption(values, 'deviation', { min: 0, max: 1 }),
    keepDays: numberOption(values, 'keep-days', { min: 1, max: 100_000 }),
    spec,
    scenario: scenario === undefined ? null : loadScenarioFor(String(scenario), spec, seed),
    stage: values['stage'] === undefined ? null : stageOption(values['stage']),
  };
}

function startTenants(
  { spec, perSecond, seed }: Settings,
  { url, log, defer }: { readonly url: string; readonly log: Log; readonly defer: Defer },
): Traffic {
  const traffic = startTraffic({
    url,
    // A restart is another stretch of traffic, not the same requests again.
    item: trafficStream({ spec, seed: Math.floor(hostClock.now() / 1000) }),
    gapMs: arrivalGaps({ perSecond, seed }),
    hostClock,
    log,
  });
  defer(() => traffic.stop());
  return traffic;
}

function viewOf(
  { scenario, speed, perSecond }: Settings,
  up: {
    readonly directory: string;
    readonly url: string;
    readonly opsPort: number;
    readonly world: World;
  },
): WelcomeView {
  const { stack, market, marketplaces, cluster } = up.world;
  return {
    directory: up.directory,
    frontDoor: up.url,
    operationsPort: up.opsPort,
    functions: [...stack.functions].map(([name, { url }]) => ({ name, url })),
    marketplaces,
    cluster,
    market,
    scenario,
    speed,
    perSecond,
    nowMs: stack.platform.worldClock.now(),
  };
}

/** The front door and the operations door. */
async function openDoors(
  stack: Stack,
  { port, token, defer }: { readonly port: number; readonly token: string; readonly defer: Defer },
): Promise<{ url: string; opsPort: number }> {
  const [route, score] = [stack.functions.get('route'), stack.functions.get('score')];
  if (route === undefined || score === undefined) throw new Error('the live stack runs route and score');
  const front = await serveLean(frontDoor(stack.platform, { route: route.app, score: score.app }), { port, hostClock });
  defer(() => front.close());
  const ops = await serveLean(operationsDoor(stack, token), { port: opsPortOf(port), hostClock });
  defer(() => ops.close());
  return { url: front.url, opsPort: ops.port };
}

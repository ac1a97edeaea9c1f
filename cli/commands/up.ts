/** `vm up`: the whole loop on one machine, until Ctrl-C. */
import { join } from 'node:path';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { parseConfig, readConfig } from '#shared/config.ts';
import { LIVE_PREFIX } from '#shared/domain/deployment.ts';
import type { Log } from '#shared/ports/log.ts';
import { type Closer, withClosers } from '#shared/runtime/closing.ts';
import { serveLean } from '#shared/runtime/hosts/lean.ts';
import { poll } from '#shared/runtime/poller.ts';
import { createLog } from '#shared/telemetry/log.ts';
import { loadMarketSpec } from '#sim/market/load-spec.ts';
import { createMarket, type Market } from '#sim/market/market.ts';
import { sqliteStore } from '#sim/market/store.ts';
import { simProviders } from '#sim/providers.ts';
import { arrivalGaps, trafficStream } from '#sim/traffic.ts';
import { type Command, type CommandContext, EXIT } from '../command.ts';
import { operationsDoor } from '../ops/server.ts';
import { type Status, status } from '../ops/status.ts';
import { requestTraining } from '../ops/training.ts';
import { type CronJob, httpJob, startCron } from '../stack/cron.ts';
import { frontDoor } from '../stack/front-door.ts';
import { liveLine } from '../stack/live-line.ts';
import { logFile } from '../stack/log-file.ts';
import { opsPortOf } from '../stack/ports.ts';
import { trimmedLine, trimRecord } from '../stack/retention.ts';
import { type Stack, startStack } from '../stack/stack.ts';
import { untilStopped } from '../stack/stop-signal.ts';
import { startTraffic, type Traffic } from '../stack/traffic.ts';
import { takeDirectory } from '../stack/turn.ts';
import { table } from '../table.ts';
import { numberOption } from './options.ts';

const COLLECT_EVERY_MS = 2_000;
const WATCH_EVERY_MS = 1_000;
const TRAIN_EVERY_MS = 5_000;
const RETENTION_EVERY_MS = 5 * 60_000;
const LINE_EVERY_MS = 1_000;
/** In a file or a pipe every line stays. */
const PLAIN_LINE_EVERY_MS = 5_000;
/** Counting distinct rows costs more as the record grows; it may take a fiftieth of the time. */
const COUNTING_PAUSE_FACTOR = 50;

export const upCommand: Command = {
  name: 'up',
  summary: 'run the whole loop here: every function, the simulated market, live traffic',
  usage: '[options]',
  options: {
    traffic: { type: 'string', default: '20/s' },
    speed: { type: 'string', default: '600' },
    port: { type: 'string', default: '8080' },
    market: { type: 'string', default: 'default' },
    seed: { type: 'string', default: '1' },
    deviation: { type: 'string', default: '1' },
    'keep-days': { type: 'string', default: '120' },
  },
  help: {
    traffic: 'simulated requests per second, e.g. 20/s; 0 for none (default 20/s)',
    speed: 'world seconds per second (default 600: a ten-hour run takes a minute)',
    port: 'front door; the functions follow on the next ports (default 8080; 0: any free)',
    market: 'default, second, or the path of a market spec (default: default)',
    seed: 'of the market (default 1)',
    'keep-days': 'days of world time that the record goes back; imported records stay (default 120)',
    deviation: '0: providers keep their promises, 1: as the market has it (default 1)',
  },
  examples: [
    'vm up',
    'vm up --traffic 0 --speed 1',
    'vm up --traffic 100/s --port 9000 --dir /tmp/aurora',
    'vm up --market second --seed 3',
  ],
  positionals: { min: 0, max: 0 },
  run: up,
};

async function up(context: CommandContext): Promise<number> {
  const { directory, values, json, print, note } = context;
  const settings = {
    perSecond: numberOption({ traffic: String(values['traffic']).replace(/\/s$/, '') }, 'traffic', {
      min: 0,
      max: 10_000,
    }),
    speed: numberOption(values, 'speed', { min: 1, max: 100_000 }),
    port: numberOption(values, 'port', { min: 0, max: 65_500, whole: true }),
    seed: numberOption(values, 'seed', { min: 0, max: 2 ** 31, whole: true }),
    deviation: numberOption(values, 'deviation', { min: 0, max: 1 }),
    keepDays: numberOption(values, 'keep-days', { min: 1, max: 100_000 }),
  };
  const spec = loadMarketSpec(String(values['market']));
  const config = { ...parseConfig({ AURORA_DIR: directory }), speed: settings.speed };
  const { logLevel } = readConfig();
  const lock = await takeDirectory({ directory, command: 'up', clock: hostClock, note });
  return withClosers(async (defer) => {
    defer(() => lock.release());
    const file = logFile(join(directory, 'aurora.log'), { note, clock: hostClock });
    defer(() => file.close());
    const log = createLog({ level: logLevel, destination: file });
    defer(() => note('stopped; vm up goes on from here.'));
    const stopping = untilStopped();
    defer(() => stopping.dispose());
    const marketStore = sqliteStore(join(directory, 'market.sqlite'));
    defer(() => marketStore.close());
    let market: Market | undefined;
    const stack = await startStack({
      config,
      hostClock,
      log,
      port: settings.port,
      providers: (platform) => {
        market = createMarket({
          spec,
          seed: settings.seed,
          deviation: settings.deviation,
          store: marketStore,
          startMs: platform.worldClock.now(),
        });
        return simProviders(market, platform);
      },
    });
    defer(() => stack.close());
    const { url, opsPort } = await openDoors(stack, { port: settings.port, token: lock.token, defer });
    await lock.announce(opsPort);
    startClockwork(stack, { keepDays: settings.keepDays, log, note, defer });

    const traffic =
      settings.perSecond === 0
        ? null
        : startTraffic({
            url,
            // A restart is another stretch of traffic, not the same requests again.
            item: trafficStream({ spec, seed: Math.floor(hostClock.now() / 1000) }),
            gapMs: arrivalGaps({ perSecond: settings.perSecond, seed: settings.seed }),
            hostClock,
            log,
          });
    if (traffic !== null) defer(() => traffic.stop());

    announce(context, stack, url, opsPort);
    const line = showLine(stack, traffic, json ? (text) => print(text) : (text) => writeLine(note, text), json, log);
    defer(() => line.stop());
    const signal = await stopping.stopped;
    note(`\n${signal}: draining ...`);
    return EXIT.ok;
  });
}

type Defer = (close: Closer) => void;

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

/** Cron: collect, watch, and the look whether a training is worth it. */
function startClockwork(
  stack: Stack,
  options: {
    readonly keepDays: number;
    readonly log: Log;
    readonly note: (text: string) => void;
    readonly defer: Defer;
  },
): void {
  const { keepDays, log, note, defer } = options;
  const urlOf = (name: 'collect' | 'watch'): string => stack.functions.get(name)?.url ?? '';
  const collect = httpJob('collect', urlOf('collect'), COLLECT_EVERY_MS, hostClock);
  const watch = httpJob('watch', urlOf('watch'), WATCH_EVERY_MS, hostClock);
  const train: CronJob = {
    name: 'train',
    everyMs: TRAIN_EVERY_MS,
    run: async () => {
      await requestTraining.run(stack, { requested_by: 'cron', force: false, seed: 1 });
    },
  };
  const retention: CronJob = {
    name: 'retention',
    everyMs: RETENTION_EVERY_MS,
    run: async () => {
      const line = trimmedLine(await trimRecord(stack.platform, keepDays));
      if (line !== null) note(line);
    },
  };
  const cron = startCron([collect, watch, train, retention], { hostClock, log });
  for (const job of [collect, watch]) defer(() => job.close());
  defer(() => cron.stop());
}

function announce({ json, print, directory }: CommandContext, stack: Stack, url: string, opsPort: number): void {
  const functions = [...stack.functions].map(([name, { url: at }]) => ({ name, url: at }));
  if (json) {
    print(JSON.stringify({ type: 'up', front_door: url, operations_port: opsPort, functions }));
    return;
  }
  print(`Aurora Intelligence runs on this machine; state in ${directory}, log in ${join(directory, 'aurora.log')}\n`);
  print(
    table(
      [
        ['front door', url, 'POST /route, POST /agent/route'],
        ...functions.map(({ name, url: at }) => [name, at, 'GET /health, /ready, /metrics']),
      ],
      ['FUNCTION', 'URL', 'DOORS'],
    ),
  );
  print(
    `\nAsk for scores:   curl -s -XPOST ${url}/agent/route -d '{"workload_type":"llm_inference","gpu_type":"a100","region":"us-west","gpu_hours":4}'`,
  );
  print('Look closer:      npx vm status; npx vm models list      Stop: Ctrl-C\n');
}

function showLine(
  stack: Stack,
  traffic: Traffic | null,
  write: (text: string) => void,
  json: boolean,
  log: Log,
): { stop(): Promise<void> } {
  let before = { at: hostClock.now(), sent: 0 };
  let counted: Status | null = null;
  let countAgainAt = 0;
  return poll({
    name: 'live-line',
    everyMs: process.stderr.isTTY && !json ? LINE_EVERY_MS : PLAIN_LINE_EVERY_MS,
    hostClock,
    log,
    run: async () => {
      const startedAt = hostClock.now();
      if (counted === null || startedAt >= countAgainAt) {
        counted = await status.run(stack, {});
        const endedAt = hostClock.now();
        countAgainAt = endedAt + (endedAt - startedAt) * COUNTING_PAUSE_FACTOR;
      }
      const live = await (await stack.platform.state()).list(LIVE_PREFIX, { limit: 100_000 });
      const sent = traffic?.counters.sent ?? 0;
      const at = hostClock.now();
      const perSecond = ((sent - before.sent) * 1000) / Math.max(1, at - before.at);
      before = { at, sent };
      const counters = traffic?.counters ?? null;
      if (json) write(JSON.stringify({ type: 'status', ...counted, live: live.length, traffic: counters }));
      else write(liveLine({ status: counted, traffic: counters, liveDeployments: live.length, perSecond }));
    },
  });
}

/** On a terminal the line is rewritten in place. */
function writeLine(note: (text: string) => void, text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${text.slice(0, process.stderr.columns ?? 200)}`);
  else note(text);
}

/**
 * The functions of the loop in one process, each on its own port, the bus pushing to them.
 * `live`: all functions, the market beside them, cron. `quiet`: only what records and learns (ingest, learn, train, promote), on
 * ports the system picks; what is meant for the others waits in the bus. Same functions, same envelope, both ways.
 */
import { compose as composeCollect } from '#functions/collect/index.ts';
import { compose as composeDeploy } from '#functions/deploy/index.ts';
import { compose as composeIngest } from '#functions/ingest/index.ts';
import { compose as composeLearn } from '#functions/learn/index.ts';
import { compose as composeProbe } from '#functions/probe/index.ts';
import { compose as composePromote } from '#functions/promote/index.ts';
import { compose as composeRoute } from '#functions/route/index.ts';
import { compose as composeScore } from '#functions/score/index.ts';
import { compose as composeTrain } from '#functions/train/index.ts';
import { compose as composeWatch } from '#functions/watch/index.ts';
import type { Config } from '#shared/config.ts';
import type { Stage } from '#shared/domain/control.ts';
import { trainInWorker } from '#shared/learning/train/in-worker.ts';
import { reproduce } from '#shared/learning/train/reproduce.ts';
import {
  createEmbeddedPlatform,
  type LocalBus,
  type LocalPlatform,
  type LocalPlatformOptions,
} from '#shared/platform-embedded.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import { lent } from '#shared/providers/lent.ts';
import type { Provider } from '#shared/providers/provider.ts';
import { createRegistry } from '#shared/registry/registry.ts';
import { closeInTurn, closeTogether, failAfter } from '#shared/runtime/closing.ts';
import { type Served, serveLean } from '#shared/runtime/hosts/lean.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { changeControl } from '#shared/serving/change-control.ts';
import { runOnce } from './cron.ts';
import { QUEUES } from './jobs.ts';
import { type FunctionName, portOf } from './ports.ts';
import { type LocalProbes, localProbes, type Nearby } from './probes.ts';
import { createReproductions, type Reproductions } from './reproductions.ts';

export interface RunningFunction {
  readonly app: FunctionApp;
  readonly url: string;
}

export interface Stack {
  readonly platform: LocalPlatform;
  readonly functions: ReadonlyMap<FunctionName, RunningFunction>;
  readonly reproductions: Reproductions;
  /** Null: nothing runs here that users would need. */
  readonly probes: LocalProbes | null;
  /** In-flight requests are answered, pushes end, everything is closed. What was not delivered waits for the next start. */
  close(): Promise<void>;
}

export interface StackOptions {
  readonly config: Config;
  readonly hostClock: HostClock;
  readonly log: Log;
  /** Base port; 0 = the system picks all. */
  readonly port: number;
  /** Given: the whole loop runs, on these providers. Null: quiet. */
  readonly providers: ((platform: LocalPlatform) => readonly Provider[] | Promise<readonly Provider[]>) | null;
  readonly chaos?: LocalPlatformOptions['chaos'];
  /** For one command that moves few messages: nothing gets a thread that can do without. */
  readonly brief?: boolean;
  /** What stands beside the loop and is probed with it, once route answers at its URL; null, default: nobody probes. Closed with it. */
  readonly nearby?: ((routeUrl: string, platform: LocalPlatform) => Promise<Nearby>) | null;
  /** Deployments may answer on this machine: the marketplaces are simulated here. */
  readonly loopback?: boolean;
  /** True: score runs in another process, at config.scoreUrl. Default: here. */
  readonly scoreElsewhere?: boolean;
  /** Said on record before anything acts; null, default: what holds goes on. */
  readonly stage?: { readonly stage: Stage; readonly by: string; readonly reason: string } | null;
}

/** Requests end within it; what takes longer is a training. */
const DRAIN_WAIT_MS = 3_000;

export async function startStack(options: StackOptions): Promise<Stack> {
  const { config, hostClock, log, port } = options;
  const platform = await createEmbeddedPlatform({
    config,
    hostClock,
    log,
    random: Math.random,
    keepsWorldTime: true,
    inProcess: options.brief ?? false,
    queues: QUEUES,
    ...(options.chaos === undefined ? {} : { chaos: options.chaos }),
  });
  const reproductions = createReproductions({
    hostClock,
    run: async (version, how) =>
      reproduce(version, {
        registry: createRegistry({ objects: await platform.objects(), worldClock: platform.worldClock }),
        warehouse: await platform.warehouse(),
        trainModel: trainInWorker,
        clock: hostClock,
        ...how,
      }),
  });
  const functions = new Map<FunctionName, RunningFunction>();
  const serving: Served[] = [];
  let bus: LocalBus | undefined;
  let opened: readonly Provider[] = [];
  let probes: LocalProbes | null = null;
  let nearby: Nearby | null = null;
  const close = async (): Promise<void> => {
    let drained: Promise<void> = Promise.resolve();
    await closeInTurn([
      // No push into a draining function: it would be refused, again and again, and each refusal is one of its deliveries.
      () => bus?.pause(),
      async () => {
        drained = closeTogether([
          () => reproductions.close(),
          ...[...functions.values()].map(
            ({ app }) =>
              () =>
                app.drain(),
          ),
        ]);
        const waited = Promise.withResolvers<void>();
        const cancelWait = hostClock.after(DRAIN_WAIT_MS, waited.resolve);
        await Promise.race([Promise.allSettled([drained]), waited.promise]);
        cancelWait();
      },
      // Jobs that are worked at there go back: nobody waits for them.
      () => nearby?.close(),
      // Waits a little longer for pushes, then cuts them: a training may take minutes, and it comes again at the next start.
      () => bus?.close(),
      () => drained,
      () => closeTogether(serving.map((served) => () => served.close())),
      () => closeTogether(opened.map((provider) => () => provider.close())),
      () => probes?.toolbox.close(),
      () => platform.close(),
    ]);
  };
  const serve = async (name: FunctionName, app: FunctionApp): Promise<RunningFunction> => {
    const served = await serveLean(app, { port: portOf(port, name), hostClock });
    serving.push(served);
    const running = { app, url: served.url };
    functions.set(name, running);
    return running;
  };

  try {
    // First of all: it says whether another process holds this directory.
    await platform.warehouse();
    await serve('ingest', await composeIngest(platform));
    await serve('learn', await composeLearn(platform, { eager: options.providers !== null }));
    await serve('train', await composeTrain(platform));
    await serve('promote', await composePromote(platform));
    if (options.providers !== null) {
      if (options.stage != null) {
        const { stage, by, reason } = options.stage;
        const deps = { objects: await platform.objects(), worldClock: platform.worldClock, stage: config.stage };
        await changeControl(deps, { change: { kind: 'stage', stage }, by, reason });
      }
      opened = await options.providers(platform);
      const providers = opened.map(lent);
      const collect = await serve('collect', await composeCollect(platform, providers));
      // The first offers are there before route and score look for them.
      await runOnce('collect', collect.url, hostClock);
      const score = options.scoreElsewhere === true ? null : await serve('score', await composeScore(platform));
      const scoreUrl = score?.url ?? config.scoreUrl;
      const routed: LocalPlatform = { ...platform, config: { ...config, scoreUrl } };
      const route = await serve('route', await composeRoute(routed, { providers: async () => providers }));
      await serve('deploy', await composeDeploy(platform, providers));
      await serve('watch', await composeWatch(platform, providers, { loopback: options.loopback ?? false }));
      if (options.nearby != null) {
        nearby = await options.nearby(route.url, platform);
        probes = await localProbes(platform, { score: scoreUrl, ...urlsOf(functions) }, nearby);
        const { suite, toolbox } = probes;
        await serve('probe', await composeProbe(platform, { suites: [suite], tools: toolbox.tools, webhook: null }));
      }
    }
    bus = await platform.bus();
    await bus.start({ ...nearby?.workers, ...urlsOf(functions) });
  } catch (error) {
    return failAfter(error, [close]);
  }
  return { platform, functions, reproductions, probes, close };
}

const urlsOf = (functions: ReadonlyMap<FunctionName, RunningFunction>): Record<string, string> =>
  Object.fromEntries([...functions].map(([name, { url }]) => [name, url]));

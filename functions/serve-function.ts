/**
 * Serves one function in a process of its own, as its environment says (shared/config.ts), or has it handle one event as a job.
 * Whoever calls says which functions there are: all of them in the checkout, one in the bundle of the cloud.
 */
import { hostClock } from '#shared/adapters/clock/host.ts';
import { type Config, readConfig } from '#shared/config.ts';
import { AuroraError, errorBody, RejectedError, TransientError } from '#shared/errors.ts';
import type { Platform } from '#shared/platform.ts';
import { createPlatform } from '#shared/platform-choice.ts';
import { failAfter } from '#shared/runtime/closing.ts';
import { installDrain } from '#shared/runtime/drain.ts';
import { handleOnce } from '#shared/runtime/handle-once.ts';
import type { Served } from '#shared/runtime/hosts/lean.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { createLog } from '#shared/telemetry/log.ts';

/** By name; each imports its function only when it is asked for. */
export type Functions = Readonly<Record<string, (platform: Platform) => Promise<FunctionApp>>>;

/** The process ends with 1 when it cannot be served; why is one line of JSON on stderr. */
export async function serveFunction(functions: Functions): Promise<void> {
  try {
    await serve(functions, readConfig());
  } catch (error) {
    if (!(error instanceof AuroraError)) throw error;
    process.stderr.write(`${JSON.stringify(errorBody(error))}\n`);
    process.exitCode = 1;
  }
}

async function serve(functions: Functions, config: Config): Promise<void> {
  const log = createLog({ level: config.logLevel });
  const target = config.functionTarget ?? '';
  const compose = functions[target];
  if (!Object.hasOwn(functions, target) || compose === undefined) {
    throw new RejectedError(
      'config_invalid',
      `FUNCTION_TARGET=${JSON.stringify(target)}: expected one of ${Object.keys(functions).join(', ')}`,
    );
  }
  const platform = await createPlatform({ config, hostClock, log, random: Math.random });
  if (config.jobEvent !== null) {
    process.exitCode = await runJob(() => compose(platform), platform, config.jobEvent);
    return;
  }
  let app: FunctionApp;
  let served: Served;
  try {
    app = await behindCheck(await compose(platform), config);
    // Cloud Run's probes and requests do not come over the loopback interface.
    const at = { port: config.port, host: config.google === null ? '127.0.0.1' : '0.0.0.0', hostClock };
    served =
      config.host === 'lean'
        ? await (await import('#shared/runtime/hosts/lean.ts')).serveLean(app, at)
        : await (await import('#shared/runtime/hosts/framework.ts')).serveFramework(app, at);
  } catch (error) {
    // What is open already, the bus in its thread, would keep the process alive.
    return failAfter(error, [() => platform.close()]);
  }
  installDrain({
    signals: ['SIGTERM', 'SIGINT'],
    apps: [app],
    servers: [served],
    finish: () => platform.close(),
    hostClock,
    log,
    exit: (code) => process.exit(code),
  });
  log.info({ function: app.name, url: served.url, host: config.host }, 'serves');
}

/** An hour is what the job's task has (terraform/modules/job). */
const JOB_DEADLINE_MS = 3_550_000;

async function runJob(compose: () => Promise<FunctionApp>, platform: Platform, event: string): Promise<0 | 1> {
  const ending = new AbortController();
  const stop = (): void => ending.abort(new TransientError('draining', 'the job is told to end'));
  for (const name of ['SIGTERM', 'SIGINT']) process.once(name, stop);
  try {
    const { log } = platform;
    const app = await compose();
    return await handleOnce(app, event, { hostClock, log, deadlineMs: JOB_DEADLINE_MS, signal: ending.signal });
  } finally {
    await platform.close();
  }
}

/** The same function, and in the cloud the second lock before it. */
async function behindCheck(app: FunctionApp, { google }: Config): Promise<FunctionApp> {
  const callers = google?.callers ?? null;
  if (callers === null) return app;
  const { createCallerCheck, guarded, remoteKeys } = await import('#shared/runtime/callers.ts');
  return guarded(app, createCallerCheck({ ...callers, keys: remoteKeys(callers.keysUrl), hostClock }));
}

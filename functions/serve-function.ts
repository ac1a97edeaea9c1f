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
  // Cloud Run's probes and requests do not come over the loopback interface.
  const host = config.google === null ? LOOPBACK : '0.0.0.0';
  refuseOpenDoor(target, host, config);
  const platform = await createPlatform({ config, hostClock, log, random: Math.random });
  if (config.jobEvent !== null) {
    process.exitCode = await runJob(() => compose(platform), platform, config.jobEvent);
    return;
  }
  let app: FunctionApp;
  let served: Served;
  try {
    app = await behindCheck(await compose(platform), config);
    const at = { port: config.port, host, hostClock };
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

const LOOPBACK = '127.0.0.1';
/** The function whose callers are tenants; where these are known it asks itself who calls. */
const FOR_TENANTS = 'route';

/** Whoever reaches it spends the operator's money: it is open on this machine alone. @throws RejectedError config_invalid */
function refuseOpenDoor(target: string, host: string, { tenants, google }: Config): void {
  if (target !== FOR_TENANTS || host === LOOPBACK || tenants !== null || google?.callers != null) return;
  throw new RejectedError(
    'config_invalid',
    `AURORA_TENANTS is not set: ${target} at ${host} would deploy for whoever reaches it; say who its tenants are, or, with AURORA_AUDIENCE and AURORA_CALLERS, whose ID tokens it takes`,
  );
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
async function behindCheck(app: FunctionApp, { google, tenants }: Config): Promise<FunctionApp> {
  const callers = google?.callers ?? null;
  if (callers === null || (app.name === FOR_TENANTS && tenants !== null)) return app;
  const { createCallerCheck, guarded, remoteKeys } = await import('#shared/runtime/callers.ts');
  return guarded(app, createCallerCheck({ ...callers, keys: remoteKeys(callers.keysUrl), hostClock }));
}

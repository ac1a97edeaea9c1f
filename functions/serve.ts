/**
 * One function in a process of its own: FUNCTION_TARGET names it, PORT is its port, AURORA_HOST its host.
 *   FUNCTION_TARGET=score PORT=8082 node functions/serve.ts
 * Loads only what that function uses. Not here: collect, deploy and watch. They talk to providers, and the only ones so far are
 * those of the simulated market, whose memory lives in one process: `vm up`. They join with the first real adapter.
 */
import { randomUUID } from 'node:crypto';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { type Config, readConfig } from '#shared/config.ts';
import { AuroraError, errorBody, RejectedError } from '#shared/errors.ts';
import type { Platform } from '#shared/platform.ts';
import { createPlatform } from '#shared/platform-choice.ts';
import { failAfter } from '#shared/runtime/closing.ts';
import { installDrain } from '#shared/runtime/drain.ts';
import type { Served } from '#shared/runtime/hosts/lean.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { createLog } from '#shared/telemetry/log.ts';

/** Each entry imports its function only when it is asked for. */
const FUNCTIONS: Readonly<Record<string, (platform: Platform) => Promise<FunctionApp>>> = {
  score: async (platform) => (await import('./score/index.ts')).compose(platform),
  route: async (platform) => (await import('./route/index.ts')).compose(platform, { newRequestId: randomUUID }),
  learn: async (platform) => (await import('./learn/index.ts')).compose(platform),
  ingest: async (platform) => (await import('./ingest/index.ts')).compose(platform),
  train: async (platform) => (await import('./train/index.ts')).compose(platform),
  promote: async (platform) => (await import('./promote/index.ts')).compose(platform),
};

/** The same function, and in the cloud the second lock before it. */
async function behindCheck(app: FunctionApp, { google }: Config): Promise<FunctionApp> {
  const callers = google?.callers ?? null;
  if (callers === null) return app;
  const { createCallerCheck, guarded, remoteKeys } = await import('#shared/runtime/callers.ts');
  return guarded(app, createCallerCheck({ ...callers, keys: remoteKeys(callers.keysUrl), hostClock }));
}

async function serve(config: Config): Promise<void> {
  const log = createLog({ level: config.logLevel });
  const target = config.functionTarget ?? '';
  const compose = FUNCTIONS[target];
  if (!Object.hasOwn(FUNCTIONS, target) || compose === undefined) {
    throw new RejectedError(
      'config_invalid',
      `FUNCTION_TARGET=${JSON.stringify(target)}: expected one of ${Object.keys(FUNCTIONS).join(', ')}`,
    );
  }
  const platform = await createPlatform({ config, hostClock, log });
  let app: FunctionApp;
  let served: Served;
  try {
    app = await behindCheck(await compose(platform), config);
    served =
      config.host === 'lean'
        ? await (await import('#shared/runtime/hosts/lean.ts')).serveLean(app, { port: config.port, hostClock })
        : await (await import('#shared/runtime/hosts/framework.ts')).serveFramework(app, {
            port: config.port,
            hostClock,
          });
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

try {
  await serve(readConfig());
} catch (error) {
  if (!(error instanceof AuroraError)) throw error;
  process.stderr.write(`${JSON.stringify(errorBody(error))}\n`);
  process.exitCode = 1;
}

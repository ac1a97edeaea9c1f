import { join } from 'node:path';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { type Config, parseConfig, readConfig } from '#shared/config.ts';
import { RejectedError } from '#shared/errors.ts';
import type { Platform } from '#shared/platform.ts';
import { createPlatform } from '#shared/platform-choice.ts';
import { withClosers } from '#shared/runtime/closing.ts';
import { createLog } from '#shared/telemetry/log.ts';
import { logFile } from '../stack/log-file.ts';
import { startStack } from '../stack/stack.ts';
import { requireState } from '../stack/state-directory.ts';
import { takeTurn } from '../stack/turn.ts';
import { callOperation } from './client.ts';
import type { Ground, Operation } from './operation.ts';

/** How a command reaches the stack of a directory, or what runs in the cloud. */
export interface Access {
  /** @param signal ends the wait for a running stack; elsewhere an operation keeps its own time */
  call<P, R>(operation: Operation<P, R>, params: P, signal?: AbortSignal): Promise<R>;
  /** Of whoever is logged in; null: services of one machine ask nobody who he is. */
  readonly identity: Platform['identity'];
}

/**
 * With AURORA_PLATFORM=gcp works over the ports of the cloud, as whoever is logged in. Else asks the running stack of the directory,
 * or composes the same stack here, quietly, and drains it afterwards.
 * @throws RejectedError no_state where there is none, unless the command `creates` it, and then fills it; warehouse_locked
 */
export async function withAccess<T>(
  directory: string,
  command: string,
  use: (access: Access) => Promise<T>,
  { creates = false }: { readonly creates?: boolean } = {},
): Promise<T> {
  const config = readConfig();
  if (config.google !== null) return overTheCloud(config, command, use);
  if (!creates) await requireState(directory);
  const note = (text: string): void => void process.stderr.write(`${text}\n`);
  const turn = await takeTurn({ directory, command, clock: hostClock, note });
  if ('running' in turn) {
    const { running } = turn;
    return use({
      call: (operation, params, signal) => callOperation(running, operation, params, signal),
      identity: null,
    });
  }

  return withClosers(async (defer) => {
    defer(() => turn.lock.release());
    const local = { ...parseConfig({ AURORA_DIR: directory }), stage: config.stage };
    // Not to stdout: that is the command's answer.
    const file = logFile(join(directory, 'aurora.log'), { note, clock: hostClock });
    defer(() => file.close());
    const log = createLog({ level: 'warn', destination: file });
    const stack = await startStack({ config: local, hostClock, log, port: 0, providers: null, brief: !creates });
    defer(() => stack.close());
    return use({ call: (operation, params) => operation.run(stack, operation.params.parse(params)), identity: null });
  });
}

/** Nothing is composed and nothing runs here: what an operation changes, the functions notice by themselves. */
async function overTheCloud<T>(config: Config, command: string, use: (access: Access) => Promise<T>): Promise<T> {
  const platform = await createPlatform({
    config,
    hostClock,
    log: createLog({ level: 'silent' }),
    random: Math.random,
    identity: 'application default',
  });
  const ground: Ground = { platform, functions: new Map() };
  return withClosers(async (defer) => {
    defer(() => platform.close());
    return use({
      identity: platform.identity,
      call(operation, params) {
        if (operation.reach === 'everywhere') return operation.run(ground, operation.params.parse(params));
        const words = `vm ${command} is for the stack of one machine; unset AURORA_PLATFORM`;
        return Promise.reject(new RejectedError('usage', words));
      },
    });
  });
}

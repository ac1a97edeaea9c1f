import { join } from 'node:path';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { parseConfig, readConfig } from '#shared/config.ts';
import { withClosers } from '#shared/runtime/closing.ts';
import { createLog } from '#shared/telemetry/log.ts';
import { logFile } from '../stack/log-file.ts';
import { startStack } from '../stack/stack.ts';
import { requireState } from '../stack/state-directory.ts';
import { takeTurn } from '../stack/turn.ts';
import { callOperation } from './client.ts';
import type { Operation } from './operation.ts';

/** How a command reaches the stack of a directory. */
export interface Access {
  call<P, R>(operation: Operation<P, R>, params: P): Promise<R>;
}

/**
 * Asks the running stack of the directory, or composes the same stack here, quietly, and drains it afterwards.
 * @throws RejectedError no_state where there is none, unless the command `creates` it, and then fills it; warehouse_locked
 */
export async function withAccess<T>(
  directory: string,
  command: string,
  use: (access: Access) => Promise<T>,
  { creates = false }: { readonly creates?: boolean } = {},
): Promise<T> {
  if (!creates) await requireState(directory);
  const note = (text: string): void => void process.stderr.write(`${text}\n`);
  const turn = await takeTurn({ directory, command, clock: hostClock, note });
  if ('running' in turn) {
    const { running } = turn;
    return use({ call: (operation, params) => callOperation(running, operation, params) });
  }

  return withClosers(async (defer) => {
    defer(() => turn.lock.release());
    const config = { ...parseConfig({ AURORA_DIR: directory }), stage: readConfig().stage };
    // Not to stdout: that is the command's answer.
    const file = logFile(join(directory, 'aurora.log'), { note, clock: hostClock });
    defer(() => file.close());
    const log = createLog({ level: 'warn', destination: file });
    const stack = await startStack({ config, hostClock, log, port: 0, providers: null, brief: !creates });
    defer(() => stack.close());
    return use({ call: (operation, params) => operation.run(stack, operation.params.parse(params)) });
  });
}

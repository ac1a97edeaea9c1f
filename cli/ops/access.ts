import { join } from 'node:path';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { parseConfig } from '#shared/config.ts';
import { TransientError } from '#shared/errors.ts';
import { createLog } from '#shared/telemetry/log.ts';
import { type Holder, readHolder, takeLock } from '../stack/lock.ts';
import { logFile } from '../stack/log-file.ts';
import { type Stack, startStack } from '../stack/stack.ts';
import { callOperation } from './client.ts';
import type { Operation } from './operation.ts';

/** How a command reaches the stack of a directory. */
export interface Access {
  /** True: a running stack answers; false: this process is the stack. */
  readonly remote: boolean;
  call<P, R>(operation: Operation<P, R>, params: P): Promise<R>;
}

/** Asks the running stack of the directory, or composes the same stack here, quietly, and drains it afterwards. */
export async function withAccess<T>(
  directory: string,
  command: string,
  use: (access: Access) => Promise<T>,
): Promise<T> {
  const holder = await readHolder(directory);
  if (holder !== null && holder.pid !== process.pid) return use(remoteAccess(directory, holder));

  const config = parseConfig({ AURORA_DIR: directory });
  const lock = await takeLock(directory, command);
  let stack: Stack | undefined;
  // Not to stdout: that is the command's answer.
  const file = logFile(join(directory, 'aurora.log'));
  try {
    const log = createLog({ level: 'warn', destination: file });
    stack = await startStack({ config, hostClock, log, port: 0, providers: null });
    const local = stack;
    return await use({
      remote: false,
      call: (operation, params) => operation.run(local, operation.params.parse(params)),
    });
  } finally {
    await stack?.close();
    await lock.release();
    file.close();
  }
}

function remoteAccess(directory: string, holder: Holder): Access {
  const { port } = holder;
  if (port === null) {
    throw new TransientError(
      'stack_unreachable',
      `${directory} is held by vm ${holder.command} (pid ${holder.pid}), which will end soon`,
    );
  }
  return { remote: true, call: (operation, params) => callOperation({ port, token: holder.token }, operation, params) };
}

/**
 * One's turn on a state directory. A short command (`vm status` beside `vm train`) is waited for, within a limit; a stack that
 * runs is there to be asked. States: free -> ours; held by a short command -> free | limit reached; held by a stack.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { AuroraError, RejectedError } from '#shared/errors.ts';
import type { Clock } from '#shared/ports/clock.ts';
import { type Holder, heldBy, type Lock, readHolder, takeLock } from './lock.ts';

/** Most commands end within seconds; a training or a long replay is refused rather than waited for. */
const TURN_LIMIT_MS = 30_000;
const LOOK_EVERY_MS = 100;

/** A stack that answers at its operations door. */
export type RunningHolder = Holder & { readonly port: number };

export type Turn = { readonly lock: Lock } | { readonly running: RunningHolder };

export interface TurnOptions {
  readonly directory: string;
  readonly command: string;
  readonly clock: Clock;
  /** Called once, when there is somebody to wait for. */
  readonly note: (text: string) => void;
  readonly pause?: (ms: number) => Promise<unknown>;
}

/** @throws RejectedError warehouse_locked when another short command still holds the directory at the limit */
export async function takeTurn({ directory, command, clock, note, pause = sleep }: TurnOptions): Promise<Turn> {
  const giveUpAt = clock.now() + TURN_LIMIT_MS;
  for (let noted = false; ; ) {
    const holder = await readHolder(directory);
    if (holder?.port != null && holder.pid !== process.pid) return { running: { ...holder, port: holder.port } };
    try {
      return { lock: await takeLock(directory, command) };
    } catch (error) {
      if (!(error instanceof AuroraError && error.code === 'warehouse_locked')) throw error;
      if (clock.now() >= giveUpAt)
        throw new RejectedError('warehouse_locked', `${error.message}, still after ${TURN_LIMIT_MS / 1000} s`, {
          cause: error,
        });
      if (!noted) note(`${error.message}; waiting for it, at most ${TURN_LIMIT_MS / 1000} s ...`);
      noted = true;
    }
    await pause(LOOK_EVERY_MS);
  }
}

/** For what cannot share the directory with a stack. @throws RejectedError warehouse_locked */
export async function takeDirectory(options: TurnOptions): Promise<Lock> {
  const turn = await takeTurn(options);
  if ('lock' in turn) return turn.lock;
  throw heldBy(options.directory, turn.running);
}

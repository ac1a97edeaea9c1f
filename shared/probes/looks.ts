/** What checks do over some time: two looks, or one look after the other until something is there. */
import { TransientError } from '#shared/errors.ts';
import { pause } from '#shared/runtime/pause.ts';
import type { CheckContext } from './check.ts';
import type { LoopReader, ProbeTools } from './tools.ts';

/**
 * Host seconds between two looks.
 * @throws TransientError deadline_exceeded: there is no time for the next one, so nothing can be said
 */
export async function apart(
  seconds: number,
  { hostClock }: Pick<ProbeTools, 'hostClock'>,
  { deadline, signal }: CheckContext,
): Promise<void> {
  const leftMs = deadline - hostClock.now();
  if (seconds * 1_000 >= leftMs)
    throw new TransientError(
      'deadline_exceeded',
      `no time for another look: expected more than ${seconds} s until the deadline, got ${Math.round(leftMs / 100) / 10} s`,
    );
  await pause(hostClock, seconds * 1_000, signal);
}

/** @throws TransientError loop_unreachable */
export function loopOf({ loop }: Pick<ProbeTools, 'loop'>): LoopReader {
  if (loop === null)
    throw new TransientError('loop_unreachable', 'these probes know no bus, warehouse and objects of a loop');
  return loop;
}

/** A function as a job: one event, as a bus would push it, and the end. */
import type { HostClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import type { FunctionApp } from './types.ts';

export interface OnceOptions {
  readonly hostClock: HostClock;
  readonly log: Log;
  /** Host milliseconds for the answer. */
  readonly deadlineMs: number;
  /** Aborts when the process is told to end. */
  readonly signal: AbortSignal;
}

/**
 * Resolves to the exit code of the process: 0 when the event is handled, or refused and in quarantine; 1 when it must come again,
 * which is for whoever started the process to see to.
 */
export async function handleOnce(app: FunctionApp, body: string, options: OnceOptions): Promise<0 | 1> {
  const { hostClock, log, deadlineMs, signal } = options;
  await app.start();
  try {
    const response = await app.handle({
      method: 'POST',
      path: '/',
      query: new URLSearchParams(),
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(body),
      deadline: hostClock.now() + deadlineMs,
      signal,
    });
    const handled = response.status < 300;
    log[handled ? 'info' : 'error']({ function: app.name, status: response.status }, 'event of the job');
    return handled ? 0 : 1;
  } finally {
    await app.drain();
  }
}

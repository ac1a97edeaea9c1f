/**
 * The end of a process: SIGTERM or SIGINT -> servers stop accepting, apps answer what is under way and stop their
 * pollers, then `finish` closes what they stood on -> exit 0. Past the limit, or on a second signal: exit 1.
 */
import { DRAIN_LIMIT_MS } from '#shared/defaults.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import { closeInTurn, closeTogether } from './closing.ts';
import type { FunctionApp } from './types.ts';

export interface DrainOptions {
  /** Default SIGTERM and SIGINT. */
  readonly signals?: readonly NodeJS.Signals[];
  readonly apps: readonly Pick<FunctionApp, 'drain'>[];
  readonly servers: readonly { close(): Promise<void> }[];
  /** Runs after all of them: ports and adapters. */
  readonly finish?: () => Promise<void>;
  readonly limitMs?: number;
  readonly hostClock: HostClock;
  readonly log: Log;
  readonly exit: (code: number) => void;
}

export interface Drain {
  /** What a signal does. Resolves to the exit code. */
  drain(reason: string): Promise<number>;
  /** Takes the signal handlers off again. */
  remove(): void;
}

export function installDrain(options: DrainOptions): Drain {
  const { signals = ['SIGTERM', 'SIGINT'], apps, servers, finish, hostClock, log, exit } = options;
  const limitMs = options.limitMs ?? DRAIN_LIMIT_MS;
  let draining: Promise<number> | undefined;

  async function drainOnce(reason: string): Promise<number> {
    log.info({ reason }, 'draining');
    const forced = Promise.withResolvers<number>();
    const cancel = hostClock.after(limitMs, () => {
      log.error({ reason, limit_ms: limitMs }, 'not drained within the limit, exiting by force');
      forced.resolve(1);
    });
    const code = await Promise.race([orderly(), forced.promise]);
    cancel();
    exit(code);
    return code;
  }

  async function orderly(): Promise<number> {
    try {
      await closeInTurn([
        // Apps first, in the same tick: what still arrives on an open connection is told to go elsewhere.
        () =>
          closeTogether([...apps.map((app) => () => app.drain()), ...servers.map((server) => () => server.close())]),
        () => finish?.(),
      ]);
      log.info({}, 'drained');
      return 0;
    } catch (error) {
      log.error({ error }, 'drain failed');
      return 1;
    }
  }

  function drain(reason: string): Promise<number> {
    draining ??= drainOnce(reason);
    return draining;
  }

  const onSignal = (signal: NodeJS.Signals): void => {
    if (draining === undefined) void drain(signal);
    else {
      log.warn({ reason: signal }, 'second signal, exiting by force');
      exit(1);
    }
  };

  // functions-framework answers the latest response and exits on these signals. A listener taken off during an emit still
  // runs in it, so foreign ones go before any signal comes: now, and whenever one is added.
  const onNewListener = (event: string | symbol, listener: (...args: unknown[]) => void): void => {
    if ((signals as readonly (string | symbol)[]).includes(event) && listener !== onSignal)
      queueMicrotask(() => process.removeListener(event, listener));
  };
  for (const signal of signals) {
    process.removeAllListeners(signal);
    process.on(signal, onSignal);
  }
  process.on('newListener', onNewListener);

  return {
    drain,
    remove() {
      process.removeListener('newListener', onNewListener);
      for (const signal of signals) process.removeListener(signal, onSignal);
    },
  };
}

/** Resolves at the first SIGINT, SIGTERM or SIGHUP; a second one ends the process at once. */
export function untilStopped(): { readonly stopped: Promise<string>; dispose(): void } {
  const { promise, resolve } = Promise.withResolvers<string>();
  let seen = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (seen) process.exit(130);
    seen = true;
    resolve(signal);
  };
  const signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, onSignal);
  return {
    stopped: promise,
    dispose() {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}

/** Everything in the cluster that answers HTTP, by name. */
import type { HostClock } from '#shared/ports/clock.ts';
import type { FaultName } from '../faults/catalogue.ts';
import type { FaultSwitches } from '../faults/switches.ts';
import { createAuroraRouter } from './aurora-router.ts';
import { createPsiField } from './psi-field.ts';
import { createScheduler } from './scheduler.ts';
import { HTML, type Service, text } from './service.ts';

export const SERVICE_NAMES = ['psi-field', 'scheduler', 'aurora-router', 'analytics', 'loki', 'tempo'] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

export interface ServicesOptions {
  readonly hostClock: HostClock;
  readonly seed: number;
  readonly faults: FaultSwitches;
  /** Host milliseconds by which the slow ones are. */
  readonly slowMs: number;
}

export function createServices({
  hostClock,
  seed,
  faults,
  slowMs,
}: ServicesOptions): Readonly<Record<ServiceName, Service>> {
  const startMs = hostClock.now();
  const slow = (fault: FaultName, ms = slowMs) => (faults.has(fault) ? ms : 0);
  return {
    'psi-field': { ...createPsiField({ seed, startMs, faults }), delayMs: () => 0 },
    scheduler: {
      ...createScheduler({ hostClock, faults }),
      delayMs: (path) => (path === '/metrics' ? slow('slow_endpoint') : 0),
    },
    'aurora-router': createAuroraRouter({ startMs, faults, slowMs }),
    analytics: {
      isDown: () => false,
      answer: ({ path }) => (path === '/' ? text(PAGE, HTML) : text('Not found', undefined, 404)),
      // A page may take twice as long as an endpoint.
      delayMs: () => slow('analytics_slow', 2 * slowMs),
    },
    loki: readiness(
      () => faults.has('loki_down'),
      () => !faults.has('loki_not_ready'),
    ),
    tempo: readiness(
      () => faults.has('tempo_down'),
      () => true,
    ),
  };
}

const PAGE = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>VaultMesh Analytics</title></head>
<body><main id="__next"><h1>VaultMesh Analytics</h1><p>Psi-Field and router at a glance.</p></main></body></html>
`;

const readiness = (isDown: () => boolean, isReady: () => boolean): Service => ({
  isDown,
  answer({ path }) {
    if (path !== '/ready') return text('404 page not found', undefined, 404);
    return isReady() ? text('ready') : text('Ingester not ready: waiting for 15s after being ready', undefined, 503);
  },
  delayMs: () => 0,
});

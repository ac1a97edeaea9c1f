import type { HostClock } from '#shared/ports/clock.ts';
import type { FaultSwitches } from '../faults/switches.ts';
import { ANCHORED, type Anchors, createAnchors, SERIES, type Series } from './anchors.ts';
import { exposition, type Family, histogram } from './exposition.ts';
import { EXPOSITION, json, type Service, text } from './service.ts';

export interface SchedulerOptions {
  readonly hostClock: Pick<HostClock, 'now'>;
  readonly faults: FaultSwitches;
}

/** It looks whether something is due as often. */
const TICK_MS = 1_000;
/** What backs off under `scheduler_degraded`. */
const SICK = 'dao';
const BACKOFF = 4;

/** Anchors namespaces, and tells when it did. */
export function createScheduler({ hostClock, faults }: SchedulerOptions): Pick<Service, 'isDown' | 'answer'> {
  const startMs = hostClock.now();
  const anchors = createAnchors(startMs);
  faults.onChange(() =>
    anchors.turn(hostClock.now(), {
      made: !faults.has('scheduler_anchors_frozen'),
      failing: faults.has('scheduler_degraded') ? SICK : null,
    }),
  );

  function health(nowMs: number) {
    const degraded = faults.has('scheduler_degraded');
    const namespaces = ANCHORED.map((namespace) => {
      const sick = degraded && namespace === SICK;
      return [
        namespace,
        {
          lastAnchor: new Date(anchors.lastMs(namespace, nowMs)).toISOString(),
          backoff: sick ? BACKOFF : 0,
          status: sick ? 'backing_off' : 'ok',
        },
      ];
    });
    return json(
      {
        status: degraded ? 'degraded' : 'ok',
        uptime: Math.floor((nowMs - startMs) / 1000),
        lastTick: new Date(Math.floor(nowMs / TICK_MS) * TICK_MS).toISOString(),
        namespaces: Object.fromEntries(namespaces),
      },
      degraded ? 503 : 200,
    );
  }

  return {
    isDown: () => faults.has('scheduler_down'),
    answer({ method, path, nowMs }) {
      if (method !== 'GET') return json({ error: 'method not allowed' }, 405);
      if (path === '/health') return health(nowMs);
      if (path !== '/metrics') return json({ error: 'not found' }, 404);
      if (faults.has('metrics_down')) return text('Internal Server Error', undefined, 500);
      if (faults.has('metrics_garbage')) return text('<html><body>Loading metrics</body></html>', EXPOSITION);
      const families = familiesAt(anchors, faults.sinceMs('metrics_frozen') ?? nowMs, faults.has('scheduler_degraded'));
      const shown = faults.has('metrics_missing_series')
        ? families.filter(({ name }) => !name.startsWith('vmsh_anchors_'))
        : families;
      return text(exposition(shown), EXPOSITION);
    },
  };
}

const labelsOf = ({ namespace, cadence, target }: Series): Readonly<Record<string, string>> => ({
  namespace,
  cadence,
  target,
});

function familiesAt(anchors: Anchors, nowMs: number, degraded: boolean): readonly Family[] {
  const counts = SERIES.map((series) => ({ labels: labelsOf(series), ...anchors.count(series, nowMs) }));
  const counter = (name: string, help: string, of: (count: (typeof counts)[number]) => number): Family => ({
    name,
    help,
    type: 'counter',
    samples: counts.map((count) => ({ labels: count.labels, value: of(count) })),
  });
  return [
    counter('vmsh_anchors_attempted_total', 'Anchors that were tried', ({ attempted }) => attempted),
    counter('vmsh_anchors_succeeded_total', 'Anchors that were made', ({ attempted, failed }) => attempted - failed),
    counter('vmsh_anchors_failed_total', 'Anchors that were not made', ({ failed }) => failed),
    {
      name: 'vmsh_backoff_state',
      help: 'How far a namespace backs off',
      type: 'gauge',
      samples: ANCHORED.map((namespace) => ({
        labels: { namespace },
        value: degraded && namespace === SICK ? BACKOFF : 0,
      })),
    },
    {
      name: 'vmsh_anchor_duration_seconds',
      help: 'How long an anchor takes',
      type: 'histogram',
      samples: counts.flatMap(({ labels, attempted }) =>
        histogram(
          labels,
          [0.1, 0.5, 1, 5],
          // Two of three take half a second at most.
          [0, Math.floor((attempted * 2) / 3), attempted, attempted],
          attempted,
          Math.round(attempted * 0.45 * 1000) / 1000,
        ),
      ),
    },
  ];
}

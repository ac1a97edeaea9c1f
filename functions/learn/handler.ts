import { POLL_INTERVAL_MS, STATISTICS_GAP_MS } from '#shared/defaults.ts';
import { modelPromoted, routingOutcome } from '#shared/domain/events/catalogue.ts';
import { TransientError } from '#shared/errors.ts';
import { LINEAR } from '#shared/learning/fast/learned-objects.ts';
import type { Bus } from '#shared/ports/bus.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { Objects } from '#shared/ports/objects.ts';
import type { Warehouse } from '#shared/ports/warehouse.ts';
import type { Registry } from '#shared/registry/registry.ts';
import { eventFunction } from '#shared/runtime/event-function.ts';
import type { RuntimeDeps } from '#shared/runtime/http-function.ts';
import { type Poller, poll } from '#shared/runtime/poller.ts';
import { quarantineOver } from '#shared/runtime/quarantine.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { createLearners } from './learners.ts';
import { createLearnMetrics } from './metrics.ts';
import { createRounds } from './rounds.ts';
import { type Entry, entryOf } from './study/entry.ts';
import type { Study } from './study/protocol.ts';

export interface LearnDeps extends RuntimeDeps {
  readonly worldClock: WorldClock;
  readonly bus: Bus;
  readonly objects: Objects;
  readonly registry: Pick<Registry, 'aliasHead' | 'loadVersion'>;
  /** Opened when a learner has to be built from the record. */
  readonly warehouse: () => Promise<Warehouse>;
  readonly study: Study;
  /** False: nothing is loaded before the first event. */
  readonly eager: boolean;
}

/** Outcomes behind the round under way: what one subscription has in flight, twice. */
const MAX_PENDING = 2_048;
/** Of two instances each sees a part; a refused push costs the message one of its attempts. */
const MAX_CONCURRENT_PUSHES = 4_096;
/** A version's first statistics may take a minute; past it the event comes again and finds them begun. */
const LEARN_DEADLINE_MS = 120_000;

export function createLearn(deps: LearnDeps): FunctionApp {
  const { hostClock, worldClock, log } = deps;
  const metrics = createLearnMetrics(deps.metrics, worldClock, () => learners);
  const learners = createLearners({ ...deps, onConflict: metrics.conflict, onRefit: metrics.refit });
  const rounds = createRounds<Entry>({
    hostClock,
    gapMs: STATISTICS_GAP_MS,
    maxPending: MAX_PENDING,
    run: async (entries) => {
      const startedMs = deps.metrics.stopwatchMs();
      metrics.count(await learners.learn(entries));
      metrics.round(deps.metrics.stopwatchMs() - startedMs);
    },
  });
  let poller: Poller | null = null;
  let begun: Promise<void> | null = null;

  const begin = async (): Promise<void> => {
    try {
      await learners.reconcile();
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      log.warn({ error }, 'the learners could not be looked up; it is tried again');
    }
    poller = poll({ name: 'learners', everyMs: POLL_INTERVAL_MS, hostClock, log, run: look });
  };
  const look = async (): Promise<void> => {
    await learners.reconcile();
    if (learners.untidy()) rounds.nudge();
  };
  const awake = (): Promise<void> => {
    begun ??= begin();
    return begun;
  };

  return eventFunction({
    name: 'learn',
    deps,
    worldClock,
    accepts: ['routing-outcome', 'model-promoted'],
    deadlineMs: LEARN_DEADLINE_MS,
    maxConcurrent: MAX_CONCURRENT_PUSHES,
    quarantine: quarantineOver(deps.bus),
    async handle(event) {
      await awake();
      if (event.definition.type === modelPromoted.type) {
        const { version } = modelPromoted.schema.parse(event.payload);
        await learners.reconcile();
        // What cannot be started is in the log and tried again; the aliases say it at each look, so nobody need say it again.
        if (version !== null) await learners.settled(version);
        return;
      }
      const entry = entryOf(event.eventId, routingOutcome.schema.parse(event.payload));
      if (typeof entry === 'string') metrics.count({ [entry]: 1 });
      else await rounds.add(entry);
    },
    ready: () => {
      const serves = begun === null || learners.serves(LINEAR);
      return { ready: serves, waiting_for: serves ? [] : ['the statistics of the learner'] };
    },
    async start() {
      if (deps.eager) await awake();
    },
    async stop() {
      await begun;
      await poller?.stop();
      await learners.stop();
    },
  });
}

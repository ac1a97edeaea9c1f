import { POLL_INTERVAL_MS } from '#shared/defaults.ts';
import { canonicalWorkloadOf } from '#shared/domain/request.ts';
import { scoreRequest } from '#shared/domain/score.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { Objects } from '#shared/ports/objects.ts';
import type { RegistryReader } from '#shared/registry/registry.ts';
import { httpFunction, json, parseJson, type RuntimeDeps } from '#shared/runtime/http-function.ts';
import { type Poller, poll } from '#shared/runtime/poller.ts';
import type { FunctionApp, ReadyReport } from '#shared/runtime/types.ts';
import { freshOffers, polledOffers } from '#shared/serving/offers.ts';
import { decideScores } from './decide.ts';
import { createModelHolder, type Serving } from './served-model.ts';
import { showServing } from './serving-gauges.ts';

export interface ScoreDeps extends RuntimeDeps {
  readonly worldClock: WorldClock;
  readonly objects: Objects;
  readonly registry: RegistryReader;
}

/** What `GET /ready` says. */
export interface ScoreReadyReport extends ReadyReport {
  readonly serving: Serving;
}

export function createScore(deps: ScoreDeps): FunctionApp {
  const { worldClock, log } = deps;
  const offers = polledOffers(deps.objects, log);
  const models = createModelHolder(deps);
  const refresh = async (): Promise<void> => {
    await Promise.all([offers.refresh(), models.refresh()]);
  };
  let poller: Poller | undefined;

  const ready = (): ScoreReadyReport => {
    const waiting = offers.current() === null ? ['offers/current.json: collect has not written it yet'] : [];
    return { ready: waiting.length === 0, waiting_for: waiting, serving: models.serving() };
  };
  showServing(deps.metrics, models.serving);

  return httpFunction({
    name: 'score',
    deps,
    ready,
    start: async () => {
      await refresh();
      poller = poll({ name: 'score-objects', everyMs: POLL_INTERVAL_MS, hostClock: deps.hostClock, log, run: refresh });
    },
    stop: async () => poller?.stop(),
    routes: [
      {
        method: 'POST',
        path: '/agent/route',
        handle: (request) => {
          const body = parseJson(request.body, scoreRequest);
          const nowMs = worldClock.now();
          const { value, generation } = freshOffers(offers.current(), nowMs, worldClock.speed);
          return json(
            200,
            decideScores({
              workload: canonicalWorkloadOf(body),
              offers: value,
              generation,
              model: models.current(),
              nowMs,
              includeFeatures: body.include_features ?? false,
            }),
          );
        },
      },
    ],
  });
}

import { POLL_INTERVAL_MS } from '#shared/defaults.ts';
import type { Stage } from '#shared/domain/control.ts';
import { decisionId } from '#shared/domain/ids.ts';
import { canonicalWorkloadOf } from '#shared/domain/request.ts';
import { scoreRequest } from '#shared/domain/score.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { Objects } from '#shared/ports/objects.ts';
import type { RegistryReader } from '#shared/registry/registry.ts';
import { httpFunction, json, parseJson, type RuntimeDeps } from '#shared/runtime/http-function.ts';
import { type Poller, poll } from '#shared/runtime/poller.ts';
import type { FunctionApp, ReadyReport } from '#shared/runtime/types.ts';
import { polledControl } from '#shared/serving/control.ts';
import { freshOffers, polledOffers } from '#shared/serving/offers.ts';
import { companyOf } from './company.ts';
import { decideScores } from './decide.ts';
import { createNetworks } from './networks.ts';
import { createPosteriors } from './posteriors.ts';
import { type Serving, servingAt } from './serving.ts';
import { showServing } from './serving-gauges.ts';
import { posteriorStaleLimitMs } from './who-acts.ts';

export interface ScoreDeps extends RuntimeDeps {
  readonly worldClock: WorldClock;
  readonly objects: Objects;
  readonly registry: RegistryReader;
  /** As long as no control object says another. */
  readonly stage: Stage;
  /** A turn of the event loop. */
  readonly pause: () => Promise<void>;
}

/** What `GET /ready` says. */
export interface ScoreReadyReport extends ReadyReport {
  readonly serving: Serving;
}

export function createScore(deps: ScoreDeps): FunctionApp {
  const { worldClock, hostClock, objects, log } = deps;
  const offers = polledOffers(objects, log);
  const control = polledControl(objects, deps.stage, log);
  const networks = createNetworks(deps);
  const posteriors = createPosteriors(deps);
  const staleLimitMs = posteriorStaleLimitMs(worldClock.speed);
  let company = companyOf(networks, posteriors);
  let poller: Poller | undefined;

  const refresh = async (): Promise<void> => {
    await Promise.all([offers.refresh(), control.refresh()]);
    const { stage, trial } = control.current();
    await networks.refresh(stage === 'auto' && trial !== null ? trial.arms : []);
    await posteriors.refresh(networks.loaded().keys());
    // At once, so that who acts now goes on until the next has both its network and its posterior.
    company = companyOf(networks, posteriors);
  };
  const serving = (): Serving => {
    const now = servingAt(control.current(), company, { atMs: worldClock.now(), staleLimitMs });
    return { ...now, fault: networks.fault() ?? control.fault() ?? now.fault };
  };
  showServing(deps.metrics, serving);

  return httpFunction({
    name: 'score',
    deps,
    ready: (): ScoreReadyReport => {
      const waiting = offers.current() === null ? ['offers/current.json: collect has not written it yet'] : [];
      return { ready: waiting.length === 0, waiting_for: waiting, serving: serving() };
    },
    start: async () => {
      await refresh();
      poller = poll({ name: 'score-objects', everyMs: POLL_INTERVAL_MS, hostClock, log, run: refresh });
    },
    stop: async () => poller?.stop(),
    routes: [
      {
        method: 'POST',
        path: '/agent/route',
        handle: (request) => {
          const body = parseJson(request.body, scoreRequest);
          const workload = canonicalWorkloadOf(body);
          const nowMs = worldClock.now();
          const { value, generation } = freshOffers(offers.current(), nowMs, worldClock.speed);
          return json(
            200,
            decideScores({
              workload,
              // A question without an id is asked under the empty one.
              decisionId: decisionId(workload.tenant_id, body.request_id ?? ''),
              offers: value,
              generation,
              control: control.current(),
              company,
              staleLimitMs,
              nowMs,
              includeFeatures: body.include_features ?? false,
            }),
          );
        },
      },
    ],
  });
}

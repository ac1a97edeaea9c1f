import { ROUTE_MAX_CONCURRENT } from '#shared/defaults.ts';
import { showBreaker } from '#shared/runtime/breaker-metrics.ts';
import { refuseForeignPage } from '#shared/runtime/foreign-page.ts';
import { type HttpRequest, httpFunction } from '#shared/runtime/http-function.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { createBudgets } from '#shared/serving/budgets/index.ts';
import { createCommitter } from './commit.ts';
import { creationQueues } from './creation-queues.ts';
import { deploymentDoors } from './doors/deployments.ts';
import { logsDoor } from './doors/logs.ts';
import { providerDoors } from './doors/providers.ts';
import { routeDoor } from './doors/route.ts';
import { createFigures } from './figures.ts';
import type { RouteDeps, Tools } from './tools.ts';
import { polledWorld } from './world.ts';

export function createRoute(deps: RouteDeps): FunctionApp {
  const { hostClock, metrics, identify, scores } = deps;
  const bornMs = hostClock.now();
  const figures = createFigures(metrics);
  const world = polledWorld(deps, ({ standings, deployments }) => figures.show(standings(), deployments()));
  const tools: Tools = {
    ...deps,
    world,
    figures,
    queues: creationQueues(),
    committer: createCommitter({ ...deps, budgets: createBudgets(deps) }),
    callerOf: ({ headers }) => (identify === null ? anyoneHere(headers) : identify(headers)),
    seen: { lastRequestMs: null, mode: 'rules' },
  };
  showBreaker(metrics, scores.breaker);

  const secondsSince = (ms: number): number => Math.max(0, hostClock.now() - ms) / 1000;
  return httpFunction({
    name: 'route',
    deps,
    maxConcurrent: ROUTE_MAX_CONCURRENT,
    ready: () => {
      const waiting = world.offers() === null ? ['offers/current.json: collect has not written it yet'] : [];
      return { ready: waiting.length === 0, waiting_for: waiting };
    },
    health: () => ({
      uptime: secondsSince(bornMs),
      // Seconds since then.
      lastRequest: tools.seen.lastRequestMs === null ? null : secondsSince(tools.seen.lastRequestMs),
      mode: tools.seen.mode,
      providers: Object.fromEntries(
        [...world.standings()].map(([id, { report }]) => [id, report?.health ?? 'unknown']),
      ),
      breakers: { [scores.breaker.name]: scores.breaker.state().name },
    }),
    start: () => world.start(),
    stop: async () => {
      await world.stop();
      await tools.committer.settled();
      await scores.close();
    },
    routes: [routeDoor(tools), ...deploymentDoors(tools), logsDoor(tools), ...providerDoors(tools)],
  });
}

function anyoneHere(headers: HttpRequest['headers']): null {
  refuseForeignPage(headers);
  return null;
}

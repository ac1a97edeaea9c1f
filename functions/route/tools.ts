import type { Stage } from '#shared/domain/control.ts';
import type { Mode } from '#shared/domain/decision.ts';
import type { Salt } from '#shared/platform.ts';
import type { Bus } from '#shared/ports/bus.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { Objects } from '#shared/ports/objects.ts';
import type { State } from '#shared/ports/state.ts';
import type { Provider } from '#shared/providers/provider.ts';
import type { HttpRequest, RuntimeDeps } from '#shared/runtime/http-function.ts';
import type { Identify } from '#shared/runtime/identify.ts';
import type { Committer } from './commit.ts';
import type { CreationQueues } from './creation-queues.ts';
import type { Caller } from './doors/caller.ts';
import type { Figures } from './figures.ts';
import type { ScoreClient } from './score-client.ts';
import type { World } from './world.ts';

export interface RouteDeps extends RuntimeDeps {
  readonly worldClock: WorldClock;
  readonly bus: Bus;
  readonly objects: Objects;
  readonly state: State;
  readonly scores: ScoreClient;
  /** Deployments requested and not yet taken by deploy; null: the bus cannot tell. */
  readonly waiting: () => Promise<number | null>;
  readonly salt: Salt;
  /** As long as no control object says another. */
  readonly stage: Stage;
  /** Id of a request that came without one. */
  readonly newRequestId: () => string;
  /** Which tenant calls; null: nobody is asked. */
  readonly identify: Identify | null;
  /** For logs and cancellations; asked for at the first. */
  readonly providers: () => Promise<readonly Provider[]>;
}

/** What the doors work with: the dependencies, and what was made of them. */
export interface Tools extends RouteDeps {
  readonly world: World;
  readonly queues: CreationQueues;
  readonly committer: Committer;
  readonly figures: Figures;
  /** At once, unless a token has to be checked. @throws as Identify */
  readonly callerOf: (request: Pick<HttpRequest, 'headers'>) => Caller | Promise<Caller>;
  /** For `GET /health`. */
  readonly seen: { lastRequestMs: number | null; mode: Mode };
}

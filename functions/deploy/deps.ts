import type { OnSettled } from '#shared/domain/settlement.ts';
import type { Bus } from '#shared/ports/bus.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { State } from '#shared/ports/state.ts';
import type { Provider } from '#shared/providers/provider.ts';
import type { RuntimeDeps } from '#shared/runtime/http-function.ts';
import type { Asking } from './ask.ts';

export interface DeployDeps extends RuntimeDeps {
  readonly worldClock: WorldClock;
  /** Closed at the drain. */
  readonly providers: readonly Provider[];
  readonly bus: Bus;
  readonly state: State;
  /** Default: nobody keeps budgets. */
  readonly settled?: OnSettled;
}

/** What deploy works with. */
export interface Tools extends DeployDeps {
  readonly asking: Asking;
}

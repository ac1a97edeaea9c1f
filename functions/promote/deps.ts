import type { Stage } from '#shared/domain/control.ts';
import type { Bus } from '#shared/ports/bus.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { Objects } from '#shared/ports/objects.ts';
import type { State } from '#shared/ports/state.ts';
import type { Warehouse } from '#shared/ports/warehouse.ts';
import type { Registry } from '#shared/registry/registry.ts';
import type { RuntimeDeps } from '#shared/runtime/http-function.ts';

export interface PromoteDeps extends RuntimeDeps {
  readonly worldClock: WorldClock;
  readonly bus: Bus;
  readonly warehouse: Warehouse;
  readonly objects: Objects;
  readonly state: State;
  readonly registry: Registry;
  /** Who may act, as long as nobody has said anything. */
  readonly stage: Stage;
}

/** Who moved an alias, or said something of who acts, in the logs. */
export const PROMOTE = 'promote';

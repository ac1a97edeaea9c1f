import type { Bus } from '#shared/ports/bus.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { Warehouse } from '#shared/ports/warehouse.ts';
import type { Registry } from '#shared/registry/registry.ts';
import type { RuntimeDeps } from '#shared/runtime/http-function.ts';

export interface PromoteDeps extends RuntimeDeps {
  readonly worldClock: WorldClock;
  readonly bus: Bus;
  readonly warehouse: Warehouse;
  readonly registry: Registry;
}

/** Who moved an alias, in its log. */
export const PROMOTE = 'promote';

import type { OnSettled } from '#shared/domain/settlement.ts';
import type { Bus } from '#shared/ports/bus.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { Objects } from '#shared/ports/objects.ts';
import type { State } from '#shared/ports/state.ts';
import type { LatencyProbe } from '#shared/providers/latency-probe.ts';
import type { Provider } from '#shared/providers/provider.ts';
import type { RuntimeDeps } from '#shared/runtime/http-function.ts';

export interface WatchDeps extends RuntimeDeps {
  readonly worldClock: WorldClock;
  /** Closed at the drain. */
  readonly providers: readonly Provider[];
  readonly bus: Bus;
  readonly state: State;
  readonly objects: Objects;
  readonly probe: LatencyProbe;
  /** Default: nobody keeps budgets. */
  readonly settled?: OnSettled;
  /** How long a run waits for slow providers, host milliseconds; default WATCH_PATIENCE_MS. */
  readonly patienceMs?: number;
}

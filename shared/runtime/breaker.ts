/**
 * A circuit breaker: stops asking a dependency that keeps failing.
 * States and transitions (time is a value; nothing runs by itself):
 *   closed     --`failures` failures in a row--> open        a success sets the count back to 0
 *   open       --`pauseMs` later, the next allow()--> half_open, which lets that one call through
 *   half_open  --success--> closed     --failure--> open      further calls are refused meanwhile
 * A half-open call that never reports counts as lost after another `pauseMs`, and the next one may try.
 */
import { BREAKER_FAILURES, BREAKER_PAUSE_MS } from '#shared/defaults.ts';

export type BreakerState =
  | { readonly name: 'closed'; readonly failures: number }
  | { readonly name: 'open'; readonly untilMs: number }
  | { readonly name: 'half_open'; readonly untilMs: number };

export interface BreakerLimits {
  readonly failures: number;
  readonly pauseMs: number;
}

const CLOSED: BreakerState = { name: 'closed', failures: 0 };

/** Whether a call may go out now, and the state that leaves. Pure. */
export function onAllow(
  state: BreakerState,
  nowMs: number,
  limits: BreakerLimits,
): { readonly allowed: boolean; readonly state: BreakerState } {
  if (state.name === 'closed') return { allowed: true, state };
  if (nowMs < state.untilMs) return { allowed: false, state };
  return { allowed: true, state: { name: 'half_open', untilMs: nowMs + limits.pauseMs } };
}

/** A call that was let out before the breaker opened may still succeed: that alone does not close it. Pure. */
export function onSuccess(state: BreakerState): BreakerState {
  return state.name === 'open' ? state : CLOSED;
}

/** Pure. */
export function onFailure(state: BreakerState, nowMs: number, limits: BreakerLimits): BreakerState {
  if (state.name === 'open') return state;
  const failures = state.name === 'closed' ? state.failures + 1 : limits.failures;
  return failures >= limits.failures ? { name: 'open', untilMs: nowMs + limits.pauseMs } : { name: 'closed', failures };
}

export interface Breaker {
  readonly name: string;
  /** True when the call may go out; its success() or failure() must follow. Times are host milliseconds. */
  allow(nowMs: number): boolean;
  success(nowMs: number): void;
  failure(nowMs: number): void;
  state(): BreakerState;
}

export interface BreakerOptions extends Partial<BreakerLimits> {
  readonly name: string;
  /** Told of each change of the state's name, for the log and a gauge. */
  readonly onChange?: (from: BreakerState['name'], to: BreakerState['name']) => void;
}

export function createBreaker(options: BreakerOptions): Breaker {
  const limits = { failures: options.failures ?? BREAKER_FAILURES, pauseMs: options.pauseMs ?? BREAKER_PAUSE_MS };
  let state = CLOSED;
  const become = (next: BreakerState): void => {
    const from = state.name;
    state = next;
    if (from !== next.name) options.onChange?.(from, next.name);
  };
  return {
    name: options.name,
    allow(nowMs) {
      const decision = onAllow(state, nowMs, limits);
      become(decision.state);
      return decision.allowed;
    },
    success: () => become(onSuccess(state)),
    failure: (nowMs) => become(onFailure(state, nowMs, limits)),
    state: () => state,
  };
}

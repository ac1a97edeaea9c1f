import { DRIFT_ALARM_BELIEF, DRIFT_ALARM_MIN_OUTCOMES } from '#shared/defaults.ts';
import { HEADS } from '../heads.ts';
import type { ProviderDrifts } from './provider-drifts.ts';

/** A shift that is more likely than not. */
const SHIFTED = 0.5;

/** `provider head` of each head whose record does not hold now: the list changes when somebody drifts or comes back. */
export const shiftedHeads = (drifts: ReadonlyMap<string, ProviderDrifts>, nowMs: number): readonly string[] =>
  [...drifts].flatMap(([provider, drift]) =>
    HEADS.filter((head) => drift[head].at(nowMs).shifted >= SHIFTED).map((head) => `${provider} ${head}`),
  );

/** Those of which a person should hear: surely shifted, and of a provider that is known well enough to have a usual. */
export const driftAlarms = (drifts: ReadonlyMap<string, ProviderDrifts>, nowMs: number): readonly string[] =>
  [...drifts].flatMap(([provider, drift]) =>
    HEADS.filter(
      (head) =>
        drift[head].at(nowMs).shifted >= DRIFT_ALARM_BELIEF && drift[head].state().seen >= DRIFT_ALARM_MIN_OUTCOMES,
    ).map((head) => `${provider} ${head}`),
  );

import { HEAD_NAMES } from './estimate.ts';
import type { ProviderDrifts } from './provider-drifts.ts';

/** A shift that is more likely than not. */
const SHIFTED = 0.5;

/** `provider head` of each head whose record does not hold now: the list changes when somebody drifts or comes back. */
export const shiftedHeads = (drifts: ReadonlyMap<string, ProviderDrifts>, nowMs: number): readonly string[] =>
  [...drifts].flatMap(([provider, drift]) =>
    HEAD_NAMES.filter((head) => drift[head].at(nowMs).shifted >= SHIFTED).map((head) => `${provider} ${head}`),
  );

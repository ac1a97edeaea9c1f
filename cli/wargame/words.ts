import type { ScenarioEvent } from '#sim/market/scenario.ts';
import type { Window } from './measures/gap.ts';

/** Whole numbers as people write them. */
export const thousands = (value: number): string => Math.round(value).toLocaleString('en');

/** A share in per cent. */
export const percentText = (share: number | null): string => (share === null ? '-' : `${(100 * share).toFixed(1)} %`);

/** Decisions in short: 500, 2k, 12.5k. */
export const short = (decisions: number): string => (decisions < 1_000 ? String(decisions) : `${decisions / 1_000}k`);

export const windowName = ({ from, to }: Window): string => `${short(from)}-${short(to)}`;

export const eventName = ({ type, provider, gpu_type, region, from_h, to_h }: ScenarioEvent): string =>
  `${type.replaceAll('_', ' ')} of ${[provider, gpu_type, region].filter((word) => word !== undefined).join(', ')}, hours ${from_h} to ${to_h}`;

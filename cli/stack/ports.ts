/** Doors on 127.0.0.1, from a base port upwards: the front door, one per function, operations, the simulated marketplaces. */
import { FAKE_NAMES, type FakeName } from '#sim/providers/index.ts';

export const FUNCTION_NAMES = [
  'route',
  'score',
  'deploy',
  'watch',
  'collect',
  'ingest',
  'train',
  'promote',
  'learn',
  'probe',
] as const;
export type FunctionName = (typeof FUNCTION_NAMES)[number];

/** Behind the operations door and the marketplaces, whose ports people know by heart. */
const PROBE_OFFSET = 14;

/** Port 0 stays 0: the system picks. */
export const portOf = (base: number, name: FunctionName): number =>
  base === 0 ? 0 : base + (name === 'probe' ? PROBE_OFFSET : 1 + FUNCTION_NAMES.indexOf(name));
export const opsPortOf = (base: number): number => (base === 0 ? 0 : base + 10);
export const fakePortOf = (base: number, name: FakeName): number =>
  base === 0 ? 0 : base + 11 + FAKE_NAMES.indexOf(name);
/** All of them, the front door first; none when the system picks. */
export const portsOf = (base: number): readonly number[] =>
  base === 0
    ? []
    : [
        base,
        ...FUNCTION_NAMES.map((name) => portOf(base, name)),
        opsPortOf(base),
        ...FAKE_NAMES.map((name) => fakePortOf(base, name)),
      ];

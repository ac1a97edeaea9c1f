/** Doors on 127.0.0.1, from a base port upwards: the front door, one per function, operations, the simulated marketplaces, the simulated cluster. */
import type { DoorName } from '#sim/cluster/index.ts';
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
/** Of the simulated cluster; its other servers take any. Its router is the one that runs here. */
const CLUSTER_DOORS: readonly DoorName[] = [
  'api_tls',
  'psi-field',
  'scheduler',
  'analytics',
  'ingress',
  'ingress_tls',
  'faults',
];
export const clusterPortOf = (base: number, door: DoorName): number =>
  base === 0 || !CLUSTER_DOORS.includes(door) ? 0 : base + 15 + CLUSTER_DOORS.indexOf(door);
/** All of them, the front door first; none when the system picks. */
export const portsOf = (base: number): readonly number[] =>
  base === 0
    ? []
    : [
        base,
        ...FUNCTION_NAMES.map((name) => portOf(base, name)),
        opsPortOf(base),
        ...FAKE_NAMES.map((name) => fakePortOf(base, name)),
        ...CLUSTER_DOORS.map((door) => clusterPortOf(base, door)),
      ];

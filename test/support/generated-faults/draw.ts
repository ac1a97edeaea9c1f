/** What generated faults are made of. */

import { type ClusterObject, type Fields, fieldOf, listOf } from '#sim/cluster/objects/object.ts';
import type { ReplyAlteration } from '#sim/cluster/services/seen.ts';
import type { ServiceReply } from '#sim/cluster/services/service.ts';
import type { Alteration } from '#sim/cluster/state.ts';

export interface GeneratedFault {
  /** What it is about: `pods of psi-field`, `service loki`; `nothing`: it is no fault. */
  readonly target: string;
  readonly does: string;
  readonly alterObjects: Alteration | null;
  readonly alterReplies: ReplyAlteration | null;
}

/** How the draws of a seed are taken. */
export interface Draw {
  one<T>(of: readonly [T, ...T[]]): T;
  int(least: number, most: number): number;
}

/** Milliseconds since which it is so: longer than anything that starts may take. */
export const OLD_MS = 600_000;

/** What it does to an object; null: it is not there. */
export type Way = readonly [does: string, change: Alteration];
export type ReplyWay = readonly [does: string, change: (reply: ServiceReply) => ServiceReply | null];

export type Kind = (draw: Draw, nowMs: number) => GeneratedFault;

export const at = (nowMs: number, agoMs: number): string => `${new Date(nowMs - agoMs).toISOString().slice(0, 19)}Z`;
export const changed =
  (is: (object: ClusterObject) => boolean, change: (object: ClusterObject) => ClusterObject | null): Alteration =>
  (object) =>
    is(object) ? change(object) : object;
export const withStatus = (object: ClusterObject, status: Fields): ClusterObject => ({
  ...object,
  status: { ...object.status, ...status },
});
export const withSpec = (object: ClusterObject, spec: Fields): ClusterObject => ({
  ...object,
  spec: { ...object.spec, ...spec },
});
export const named = (kind: string, name: string) => (object: ClusterObject) =>
  object.kind === kind && object.metadata.name === name;
/** Its condition of that type is such; made where it has none. */
export const withCondition = (object: ClusterObject, type: string, condition: Fields | null): ClusterObject => {
  const others = listOf(object, 'status', 'conditions').filter((one) => fieldOf(one, 'type') !== type);
  return withStatus(object, { conditions: condition === null ? others : [...others, { type, ...condition }] });
};
export const about = (target: string, does: string, alterObjects: Alteration): GeneratedFault => ({
  target,
  does,
  alterObjects,
  alterReplies: null,
});

/** What all objects of the cluster have, as its API shows them. */
import { createHash } from 'node:crypto';

export type Fields = Readonly<Record<string, unknown>>;

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller: true;
  readonly blockOwnerDeletion: true;
}

export interface ObjectMeta {
  readonly name: string;
  /** Absent: it belongs to the cluster. */
  readonly namespace?: string;
  readonly uid: string;
  /** Absent until the store has given one. */
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
}

export interface ClusterObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec?: Fields;
  readonly status?: Fields;
}

export interface MetaOf {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
  /** Host epoch milliseconds. */
  readonly createdMs: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly generation?: number;
  readonly owner?: ClusterObject;
}

/** The head of an object; its uid comes from what it is called and when it was made, so that it lasts over looks. */
export function head({
  apiVersion,
  kind,
  createdMs,
  owner,
  ...named
}: MetaOf): Pick<ClusterObject, 'apiVersion' | 'kind' | 'metadata'> {
  return {
    apiVersion,
    kind,
    metadata: {
      ...named,
      uid: uidOf(kind, named.namespace ?? '', named.name, createdMs),
      creationTimestamp: seconds(createdMs),
      ...(owner === undefined ? {} : { ownerReferences: [ownerReference(owner)] }),
    },
  };
}

const ownerReference = ({ apiVersion, kind, metadata: { name, uid } }: ClusterObject): OwnerReference => ({
  apiVersion,
  kind,
  name,
  uid,
  controller: true,
  blockOwnerDeletion: true,
});

/** RFC 3339 in whole seconds, as metav1.Time is written. */
export const seconds = (epochMs: number): string => `${new Date(epochMs).toISOString().slice(0, 19)}Z`;
/** With microseconds, as metav1.MicroTime is. */
export const micros = (epochMs: number): string => `${new Date(epochMs).toISOString().slice(0, -1)}000Z`;

const digest = (...key: readonly (string | number)[]): Buffer =>
  createHash('sha256').update(JSON.stringify(key)).digest();

export function uidOf(...key: readonly (string | number)[]): string {
  const hex = digest('uid', ...key).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** No vowels, nothing that looks like something else: as Kubernetes makes the ends of names. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

export const suffixOf = (length: number, ...key: readonly (string | number)[]): string =>
  [...digest('name', ...key).subarray(0, length)].map((byte) => ALPHABET[byte % ALPHABET.length]).join('');

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime: string;
}

/** Of an object of another's, of which nothing is known: a field, or undefined. */
export function fieldOf(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, key) ? (inner as Fields)[key] : undefined,
    value,
  );
}
export const listOf = (value: unknown, ...path: readonly string[]): readonly unknown[] => {
  const found = fieldOf(value, ...path);
  return Array.isArray(found) ? found : [];
};

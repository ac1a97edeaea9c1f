/** What checks read of the cluster's objects, by schemas that name the fields and let the rest pass. */
import { z } from 'zod';
import { TransientError } from '#shared/errors.ts';
import { describeWithValues } from '#shared/runtime/parse-json.ts';
import type { CheckContext } from '../check.ts';
import type { KubernetesReader } from '../tools.ts';

const text = z.string().nullish();
const texts = z.record(z.string(), z.string()).nullish();

export const metadata = z.object({
  name: z.string(),
  namespace: text,
  labels: texts,
  annotations: texts,
  generation: z.number().nullish(),
  creationTimestamp: text,
  deletionTimestamp: text,
});

export const conditions = z
  .array(
    z.object({
      type: z.string(),
      status: z.string(),
      reason: text,
      message: text,
      lastUpdateTime: text,
      lastTransitionTime: text,
    }),
  )
  .nullish();
type Conditions = z.infer<typeof conditions>;
export type Condition = NonNullable<Conditions>[number];

/** Undefined: it is not among them. */
export const conditionOf = (all: Conditions, type: string): Condition | undefined =>
  all?.find((condition) => condition.type === type);

export type Labels = Readonly<Record<string, string>>;

/** Of a suite: what labels must be there. */
export const selector = z.record(z.string(), z.string()).refine((labels) => Object.keys(labels).length <= 16);

export const matches = (labels: Labels | null | undefined, wanted: Labels): boolean =>
  Object.entries(wanted).every(([key, value]) => labels?.[key] === value);

/** `app=psi-field`, as kubectl takes it. */
export const selectorText = (wanted: Labels): string =>
  Object.entries(wanted)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');

/** All of a list that `schema` reads. @throws as the reader; TransientError cluster_unreachable: an object is not as the API has it */
export async function listOf<T>(
  reader: KubernetesReader,
  path: string,
  schema: z.ZodType<T>,
  context: CheckContext,
): Promise<readonly T[]> {
  const raw = await reader.list(path, context);
  return raw.map((object, index) => {
    const read = schema.safeParse(object);
    if (read.success) return read.data;
    const problem = describeWithValues(read.error.issues, object).slice(0, 200);
    throw new TransientError('cluster_unreachable', `GET ${path}: items[${index}]: ${problem}`);
  });
}

/** Host epoch milliseconds; null: it has none, or none that can be read. */
export function instantOf(timestamp: string | null | undefined): number | null {
  const ms = timestamp == null ? Number.NaN : Date.parse(timestamp);
  return Number.isNaN(ms) ? null : ms;
}

/** Names in evidence: the first few, and how many more; null: none. */
export function namesOf(names: readonly string[]): string | null {
  if (names.length === 0) return null;
  const shown = names.slice(0, SHOWN_NAMES).join(', ');
  return clipped(names.length > SHOWN_NAMES ? `${shown} and ${names.length - SHOWN_NAMES} more` : shown);
}
const SHOWN_NAMES = 4;

/** Evidence takes texts of 300 characters. */
export const clipped = (long: string): string => cut(long, 300);

/** A remedy, which takes 500. */
export const sentence = (long: string): string => cut(long, 500);

const cut = (long: string, most: number): string => (long.length <= most ? long : `${long.slice(0, most - 1)}…`);

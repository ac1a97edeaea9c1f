import { z } from 'zod';
import type { Run } from './wire.ts';

export interface GivenNode {
  /** All of its GPUs, which are billed however few were asked for. Null: the run does not say. */
  readonly gpuCount: number | null;
  /** USD per hour of all of it. */
  readonly usdPerHour: number | null;
}

/**
 * How a run names the node that it was given. The reference shows nodes and offers, not a run's own view of one; so each figure is
 * looked for in the places where those two have it, and is null where it is in none. The first that is found counts.
 */
const GPU_COUNT = ['hardware_summary.gpu_count', 'node.hardware_summary.gpu_count', 'node.gpu_count'];
const GPU_LIST = ['node.gpus', 'node.current_hardware.gpus', 'gpus'];
const USD_PER_HOUR = ['pricing.hourly_rate_usd', 'hourly_rate_usd', 'node.pricing.hourly_rate_usd'];

const count = z.int().min(1).max(1_024);
const usd = z.number().min(0).max(1e6);

export function givenNode(run: Run): GivenNode {
  const places = GPU_LIST.map((place) => valueAt(run, place)).map((list) => (Array.isArray(list) ? list.length : null));
  return {
    gpuCount: first([...GPU_COUNT.map((place) => valueAt(run, place)), ...places], count),
    usdPerHour: first(
      USD_PER_HOUR.map((place) => valueAt(run, place)),
      usd,
    ),
  };
}

function first(values: readonly unknown[], schema: z.ZodType<number>): number | null {
  for (const value of values) {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
  }
  return null;
}

const valueAt = (root: unknown, place: string): unknown =>
  place
    .split('.')
    .reduce<unknown>(
      (value, key) =>
        typeof value === 'object' && value !== null && Object.hasOwn(value, key)
          ? (value as Readonly<Record<string, unknown>>)[key]
          : undefined,
      root,
    );

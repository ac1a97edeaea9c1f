import { z } from 'zod';
import { LINEAR, learnerOf } from '#shared/learning/fast/learned-objects.ts';
import type { Objects } from '#shared/ports/objects.ts';

/** What the fast learner has learnt, as its statistics say of themselves. */
export interface LearnerStatus {
  /** `linear`, the learner on its own, or the version whose network it corrects. */
  readonly name: string;
  /** Attempts whose start is known. */
  readonly observations: number;
  /** World time at which the statistics were written; null: they do not say. */
  readonly written_at: string | null;
  readonly generation: string;
  /** `provider head` of what surely does not behave as its record says. */
  readonly drifting: readonly string[];
}

/** Of statistics of an older build nothing is told. */
function driftingIn(text = '[]'): readonly string[] {
  const parsed = z.array(z.string()).max(64).safeParse(JSON.parse(text));
  return parsed.success ? parsed.data : [];
}

/** Statistics of some dozens of versions, two objects each. */
const MAX_OBJECTS = 1_000;

/** Of the learner on its own and of the versions named, in this order; without those that have no statistics yet. Reads no bytes. */
export async function learnersOf(
  objects: Objects,
  versions: readonly (string | null | undefined)[],
): Promise<readonly LearnerStatus[]> {
  const found = new Map<string, LearnerStatus>();
  for (const { name: object, generation, metadata } of await objects.list('learning/', { limit: MAX_OBJECTS })) {
    const name = learnerOf(object);
    if (name === null) continue;
    found.set(name, {
      name,
      observations: Number(metadata['observations'] ?? 0),
      written_at: metadata['written_at'] ?? null,
      generation,
      drifting: driftingIn(metadata['drifting']),
    });
  }
  return [...new Set([LINEAR, ...versions])].flatMap((name) => found.get(name ?? '') ?? []);
}

/**
 * The record in memory: decisions with their candidates, lessons as they were heard, examples as attempts ended. Bounded: the
 * oldest go. Everything comes in the order of its instants.
 */
import type { Workload } from '#shared/domain/request.ts';
import type { Example } from '../example.ts';
import type { Lesson } from '../fast/lesson.ts';
import { matured } from '../matured.ts';
import type { RecordedCandidate, RecordedDecision, ValuedDecision } from '../record/recorded.ts';

export interface Decided {
  readonly key: string;
  readonly atMs: number;
  readonly workload: Workload;
  readonly candidates: readonly (RecordedCandidate & { readonly offerId: string })[];
  /** What the contender that acted, or was shown, expected of each candidate. */
  readonly expected: readonly number[];
  readonly actor: string;
}

export interface Book {
  decided(decided: Decided): void;
  /** @param offerId of the action that was taken @param example of a final outcome; null: it says nothing of the offer, or is none */
  heard(lesson: Lesson, key: string, offerId: string, example: Omit<Example, 'propensity'> | null): void;
  lessons(): readonly Lesson[];
  decisions(): readonly RecordedDecision[];
  /** Of one actor from an instant on. */
  actedBy(actor: string, fromMs: number): readonly ValuedDecision[];
  /** Matured as of now. */
  examples(nowMs: number): readonly Example[];
  /** Attempts that have ended, ever. */
  ended(): number;
}

/** 40 MB with seven candidates each: what a judgement may need, weeks at a thousand a day. */
const MAX_DECISIONS = 20_000;
/** Of 100,000 attempts. */
const MAX_LESSONS = 200_000;
const MAX_EXAMPLES = 100_000;

interface Entry extends Decided {
  taken: number;
  ended: boolean;
  /** Of a run that has ended and says something of the offer. */
  reward: number | null;
}

export function createBook(): Book {
  const entries = new Map<string, Entry>();
  let lessons: Lesson[] = [];
  let examples: Example[] = [];
  let endedCount = 0;

  const decisionOf = ({ key, atMs, workload, candidates, taken, ended, reward }: Entry): RecordedDecision => ({
    decisionId: key,
    decidedAtMs: atMs,
    workload,
    candidates,
    taken,
    propensity: candidates[taken]?.probability ?? null,
    ended,
    reward,
  });

  return {
    decided(decided) {
      entries.set(decided.key, { ...decided, taken: -1, ended: false, reward: null });
      const oldest = entries.keys().next().value;
      if (entries.size > MAX_DECISIONS && oldest !== undefined) entries.delete(oldest);
    },
    heard(lesson, key, offerId, example) {
      lessons.push(lesson);
      // In strides, so that an array is copied once in ten thousand lessons.
      if (lessons.length > MAX_LESSONS + MAX_DECISIONS) lessons = lessons.slice(-MAX_LESSONS);
      const entry = entries.get(key);
      if (entry !== undefined && entry.taken < 0)
        entry.taken = entry.candidates.findIndex((candidate) => candidate.offerId === offerId);
      if (lesson.kind === 'ready') return;
      endedCount += 1;
      const propensity = entry?.candidates[entry.taken]?.probability ?? null;
      const whole = example === null ? null : { ...example, propensity };
      if (entry !== undefined) Object.assign(entry, { ended: true, reward: whole?.utility ?? null });
      if (whole === null) return;
      examples.push(whole);
      if (examples.length > MAX_EXAMPLES + MAX_DECISIONS) examples = examples.slice(-MAX_EXAMPLES);
    },
    lessons: () => lessons,
    decisions: () => [...entries.values()].map(decisionOf),
    actedBy: (actor, fromMs) =>
      [...entries.values()]
        .filter((entry) => entry.actor === actor && entry.atMs >= fromMs)
        .map((entry) => ({ ...decisionOf(entry), expected: entry.expected })),
    examples: (nowMs) => matured(examples, nowMs),
    ended: () => endedCount,
  };
}

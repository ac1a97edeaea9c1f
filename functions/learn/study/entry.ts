/** One event on its way into a learner: from the bus, or as a row of the record. The same event makes the same entry. */
import { eventId } from '#shared/domain/ids.ts';
import { outcome } from '#shared/domain/outcome.ts';
import { type Lesson, type LessonSource, lessonOf, type NoLesson } from '#shared/learning/fast/lesson.ts';
import type { LessonRow } from '#shared/queries/learning.ts';

export interface Entry {
  readonly eventId: string;
  /** Of the end of the same attempt; null when this is it. */
  readonly finalId: string | null;
  readonly lesson: Lesson;
}

/** Sequence of the one final outcome of an attempt: shared/domain/outcome.ts. */
const FINAL_SEQUENCE = 1;

export function entryOf(id: string, source: LessonSource): Entry | NoLesson {
  const lesson = lessonOf(source);
  if (typeof lesson === 'string') return lesson;
  const finalId =
    lesson.kind === 'ready' ? eventId('routing-outcome', source.decision_id, source.attempt, FINAL_SEQUENCE) : null;
  return { eventId: id, finalId, lesson };
}

const parsed = outcome.pick({ request: true, features: true });

/** Null: no lesson. */
export function entryOfRow(row: LessonRow): Entry | null {
  const { request, features } = parsed.parse({
    request: JSON.parse(row.request),
    features: row.features === null ? null : JSON.parse(row.features),
  });
  const entry = entryOf(row.event_id, { ...row, request, features });
  return typeof entry === 'string' ? null : entry;
}

import { z } from 'zod';
import { timestamp } from '#shared/domain/primitives.ts';
import type { State } from '#shared/ports/state.ts';

const KEY = 'training/last';
/** `event_id`: of the request that it was trained for. */
const schema = z.object({ version: z.string(), watermark: timestamp, rows: z.int(), event_id: z.string() });
export type LastTrained = z.infer<typeof schema>;

/** What the last version was trained on: the cadence goes by what arrived since. */
export async function lastTrained(state: State): Promise<LastTrained | null> {
  const entry = await state.get(KEY);
  return entry === null ? null : schema.parse(entry.value);
}

/** A version of older rows does not set the cadence back. Losing the race to another training is fine: its rows are as new. */
export async function rememberTrained(state: State, trained: LastTrained): Promise<void> {
  const { created, entry } = await state.create(KEY, trained);
  if (!created && schema.parse(entry.value).watermark <= trained.watermark)
    await state.swap(KEY, entry.version, trained);
}

import { modelPromoted, type Payload } from '#shared/domain/events/catalogue.ts';
import { type EncodedEvent, encodeEvent } from '#shared/domain/events/codec.ts';
import type { AliasEntry } from './alias-log.ts';

/** The move of an alias as its event; the same entry gives the same event. */
export function promotedEvent({ at, by, ...entry }: AliasEntry): {
  readonly topic: string;
  readonly message: EncodedEvent;
} {
  const payload: Payload<'model-promoted'> = { ...entry, promoted_at: at, promoted_by: by };
  return { topic: modelPromoted.topic, message: encodeEvent(modelPromoted, payload) };
}

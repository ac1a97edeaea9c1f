import { modelPromoted, type Payload } from '#shared/domain/events/catalogue.ts';
import { type EncodedEvent, encodeEvent } from '#shared/domain/events/codec.ts';
import type { Bus } from '#shared/ports/bus.ts';
import type { AliasEntry, Registry } from './registry.ts';

/** Tells the world of every move that it does not know yet, each in its order. @throws TransientError bus_unavailable */
export async function announceMoves(registry: Pick<Registry, 'announceMoves'>, bus: Bus): Promise<void> {
  for (const alias of ['champion', 'apprentice'] as const)
    await registry.announceMoves(alias, async (moves) => {
      await bus.publish(modelPromoted.topic, moves.map(promotedEvent));
    });
}

/** The move of an alias as its event; the same entry gives the same event. */
function promotedEvent({ at, by, ...entry }: AliasEntry): EncodedEvent {
  const payload: Payload<'model-promoted'> = { ...entry, promoted_at: at, promoted_by: by };
  return encodeEvent(modelPromoted, payload);
}

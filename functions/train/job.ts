import { MS_PER_HOUR } from '#shared/defaults.ts';
import { type Payload, trainingRequested } from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { Platform } from '#shared/platform.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import type { State } from '#shared/ports/state.ts';

interface Deps {
  readonly state: State;
  readonly worldClock: WorldClock;
  readonly log: Log;
}

/** Past the last attempt of the job's task. */
const NOTE_TTL_MS = 6 * MS_PER_HOUR;

/**
 * Starts the training of a request as a job, once: the note of it is left after the start, so that a kill between the two brings
 * a second job, which finds the first one's lease or its version, and never none.
 * @throws TransientError when the job cannot be started
 */
export async function handOver(
  { state, worldClock, log }: Deps,
  startJob: NonNullable<Platform['startJob']>,
  request: Payload<'training-requested'>,
): Promise<void> {
  const eventId = trainingRequested.eventId(request);
  const key = `training-job/${eventId}`;
  if ((await state.get(key)) !== null) return;
  const { data, attributes } = encodeEvent(trainingRequested, request);
  const message = { data: Buffer.from(data).toString('base64'), attributes, messageId: eventId };
  await startJob(JSON.stringify({ message }));
  await state.create(key, { started_at: rfc3339(worldClock.now()) }, { ttlMs: NOTE_TTL_MS });
  log.info({ event_id: eventId }, 'training handed over to a job');
}

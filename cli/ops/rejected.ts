import { z } from 'zod';
import { decodeEvent } from '#shared/domain/events/codec.ts';
import { RejectedError } from '#shared/errors.ts';
import { rejectedById, rejectedList } from '#shared/queries/rejected.ts';
import { parseEnvelope } from '#shared/runtime/envelope.ts';
import { operation } from './operation.ts';
import { idParam } from './params.ts';

export interface RejectedRow {
  readonly event_id: string;
  readonly rejected_at: string;
  readonly function_name: string;
  readonly event_type: string | null;
  readonly code: string;
  readonly reason: string;
}

export const listRejected = operation({
  name: 'rejected.list',
  params: z.strictObject({ limit: z.int().min(1).max(1000) }),
  run: async ({ platform }, { limit }): Promise<RejectedRow[]> => {
    const rows = await (await platform.warehouse()).query(rejectedList, { limit, code: null });
    return rows.map(({ event_id, rejected_at, function_name, event_type, code, reason }) => ({
      event_id,
      rejected_at,
      function_name,
      event_type,
      code,
      reason,
    }));
  },
});

/**
 * Sends a rejected event again as it came, if this build can read it now, in its place by its ordering key. Its ids make a
 * second replay harmless; the row in rejected_events stays as the record of what happened.
 */
export const replayRejected = operation({
  name: 'rejected.replay',
  params: idParam,
  run: async ({ platform }, { id }): Promise<{ topic: string; event_id: string }> => {
    const [row] = await (await platform.warehouse()).query(rejectedById, { event_id: id });
    if (row === undefined) throw new RejectedError('not_found', `no rejected event ${JSON.stringify(id)}`);
    const { data, attributes } = messageOf(row);
    const decoded = decodeEvent(data, attributes);
    if (!decoded.ok) throw new RejectedError(decoded.code, `still not readable: ${decoded.reason}`);
    const { definition, payload, eventId } = decoded.event;
    const orderingKey = definition.orderingKey?.(payload);
    const message = { data, attributes, ...(orderingKey === undefined ? {} : { orderingKey }) };
    await (await platform.bus()).publish(definition.topic, [message]);
    return { topic: definition.topic, event_id: eventId };
  },
});

/** Data and attributes as they came; of a body that was no envelope then, what it holds if it is one now. */
function messageOf(row: { raw_base64: string; attributes: string }): {
  data: Uint8Array;
  attributes: Readonly<Record<string, string>>;
} {
  const data = Buffer.from(row.raw_base64, 'base64');
  const attributes = z.record(z.string(), z.string()).parse(JSON.parse(row.attributes));
  if (Object.keys(attributes).length > 0) return { data, attributes };
  const parsed = parseEnvelope({}, data);
  return parsed.ok ? parsed.envelope : { data, attributes };
}

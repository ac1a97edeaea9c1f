import type { z } from 'zod';
import { type EncodedEvent, encodeEvent } from '#shared/domain/events/codec.ts';
import type { EventDefinition } from '#shared/domain/events/definition.ts';
import { isStream } from '#shared/runtime/stream.ts';
import type { FunctionApp, FunctionRequest, FunctionResponse } from '#shared/runtime/types.ts';
import { aRequest } from './runtime.ts';

/** A push as the bus makes it. */
export function aPush(event: EncodedEvent, messageId = 'm1', subscription = 's1'): FunctionRequest {
  const { data, attributes, orderingKey } = event;
  const message = { data: Buffer.from(data).toString('base64'), attributes, messageId, publishTime: '', orderingKey };
  return aRequest({ method: 'POST', body: JSON.stringify({ message, subscription, deliveryAttempt: 1 }) });
}

/** Delivers a payload once; the status of the answer: 204 = acknowledged. */
export async function deliver<S extends z.ZodObject>(
  app: FunctionApp,
  definition: EventDefinition<S>,
  payload: z.output<S>,
): Promise<number> {
  return (await app.handle(aPush(encodeEvent(definition, payload)))).status;
}

export async function post(app: FunctionApp, path: string, body: unknown = {}): Promise<FunctionResponse> {
  return app.handle(aRequest({ method: 'POST', path, body: typeof body === 'string' ? body : JSON.stringify(body) }));
}

/** The JSON of an answer. Figures and texts of tests: typed by what the test says of them. */
export function bodyOf<T = Record<string, unknown>>(response: FunctionResponse): T {
  const { body } = response;
  if (isStream(body)) throw new Error('expected an answer that is there as a whole');
  return JSON.parse(typeof body === 'string' ? body : new TextDecoder().decode(body)) as T;
}

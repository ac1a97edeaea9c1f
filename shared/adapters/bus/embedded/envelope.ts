/** RFC 3339 with milliseconds. Not domain's, which brings zod (70 ms) into the worker's start. */
export const timeText = (epochMs: number): string => new Date(epochMs).toISOString();

export interface EnvelopeInput {
  readonly project: string;
  readonly subscription: string;
  /** Given only when the subscription has a dead-letter topic, as in the cloud. */
  readonly deliveryAttempt: number | null;
  readonly messageId: string;
  readonly publishedMs: number;
  readonly data: Uint8Array;
  readonly attributes: Readonly<Record<string, string>>;
  readonly orderingKey: string | null;
}

/** Body of a push, as Pub/Sub sends it: both spellings of id and time, no data key for a message of attributes only. */
export function pushBody(input: EnvelopeInput): string {
  const publishTime = timeText(input.publishedMs);
  const { buffer, byteOffset, byteLength } = input.data;
  return JSON.stringify({
    subscription: `projects/${input.project}/subscriptions/${input.subscription}`,
    ...(input.deliveryAttempt === null ? {} : { deliveryAttempt: input.deliveryAttempt }),
    message: {
      ...(byteLength === 0 ? {} : { data: Buffer.from(buffer, byteOffset, byteLength).toString('base64') }),
      attributes: input.attributes,
      messageId: input.messageId,
      message_id: input.messageId,
      publishTime,
      publish_time: publishTime,
      ...(input.orderingKey === null ? {} : { orderingKey: input.orderingKey }),
    },
  });
}

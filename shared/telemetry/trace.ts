/** W3C trace context, level 1: https://www.w3.org/TR/trace-context/#traceparent-header */
export interface Traceparent {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const ZERO = /^0+$/;

/** Null when absent or not valid: a bad header of a caller is no reason to fail its request. */
export function parseTraceparent(text: string | null | undefined): Traceparent | null {
  const match = text === null || text === undefined ? null : TRACEPARENT.exec(text);
  const [, traceId = '', spanId = '', flags = ''] = match ?? [];
  if (match === null || ZERO.test(traceId) || ZERO.test(spanId)) return null;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

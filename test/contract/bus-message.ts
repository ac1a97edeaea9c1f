import type { BusMessage } from '#shared/ports/bus.ts';

/** A message of text. */
export const message = (text: string, attributes: Record<string, string> = {}, orderingKey?: string): BusMessage => ({
  data: new TextEncoder().encode(text),
  attributes,
  ...(orderingKey === undefined ? {} : { orderingKey }),
});

import { RejectedError } from '#shared/errors.ts';
import type { BusMessage } from '#shared/ports/bus.ts';

/** @throws RejectedError event_too_large */
export function checkSizes(messages: readonly BusMessage[], limitBytes: number): void {
  for (const { data } of messages) {
    if (data.byteLength > limitBytes)
      throw new RejectedError(
        'event_too_large',
        `expected at most ${limitBytes} bytes of data, got ${data.byteLength}`,
      );
  }
}

import { RejectedError, TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { HttpClient } from '#shared/runtime/http-client.ts';
import { pause } from '#shared/runtime/pause.ts';
import { type AddressRules, mayBeNamed } from '#shared/runtime/public-address.ts';
import type { ProviderClient } from '../client.ts';
import type { CallContext } from '../provider.ts';
import { requestLogs } from './calls.ts';

/** The host writes it within some seconds; host milliseconds between two looks, and looks. */
const LOOK_EVERY_MS = 300;
const MAX_LOOKS = 30;
/** Two thousand lines, and long ones. */
const MAX_LOG_BYTES = 4 * 1024 * 1024;

/**
 * Logs lie at a URL that Vast names, on somebody else's server: http or https, at a public address, without our key, in bounded time
 * and size. The URL is itself a key to what it leads to, so no error quotes it.
 */
export function vastLogs(
  client: ProviderClient,
  elsewhere: HttpClient,
  { hostClock, rules }: { readonly hostClock: HostClock; readonly rules: AddressRules },
) {
  return async (instanceId: string | null, context: CallContext): Promise<AsyncIterable<Uint8Array>> => {
    const none = (why: string): RejectedError =>
      new RejectedError('logs_unavailable', `vast instance ${instanceId}: ${why}`);
    if (instanceId === null) throw none('vast knows no such instance');
    const url = await client.askOrNull(requestLogs(instanceId), context);
    if (url === null) throw none('vast names no place where its log lies');
    if (!mayBeNamed(new URL(url).hostname, rules)) throw none('the place where its log lies may not be called');
    for (let look = 1; look <= MAX_LOOKS; look += 1) {
      const deadlineMs = context.deadline - hostClock.now();
      if (deadlineMs <= 0)
        throw new TransientError('deadline_exceeded', `vast logs: not there yet after ${look} looks`);
      const { signal } = context;
      const { status, body } = await elsewhere.open({
        url,
        method: 'GET',
        deadlineMs,
        maxBytes: MAX_LOG_BYTES,
        ...(signal === undefined ? {} : { signal }),
      });
      if (status === 200) return body;
      for await (const _ of body) break;
      // Of a file that is not there yet, some stores say that it is forbidden.
      if (status !== 403 && status !== 404) throw none(`the place where its log lies answered ${status}`);
      await pause(hostClock, LOOK_EVERY_MS, signal);
    }
    throw none(`its host has written no log within ${(MAX_LOOKS * LOOK_EVERY_MS) / 1_000} s`);
  };
}

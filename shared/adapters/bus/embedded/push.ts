import type { Agent } from 'undici';
import type { PushResult } from './decide.ts';

/** Sends one push and calls `end` exactly once, unless cancelled first: then it says nothing more. */
export type Push = (url: string, body: string, end: (result: PushResult) => void) => () => void;

export interface PushClient {
  readonly push: Push;
  close(): Promise<void>;
}

/**
 * Keep-alive pools, one per origin. Limits of time are the caller's (the ack deadline), limits of number too (in
 * flight per subscription). The low-level dispatch reads and drops the answer's body without building a stream. The client is
 * loaded at the first push: most commands make none, and it is half of what the thread takes to start.
 */
export function httpPush(): PushClient {
  let agent: Agent | null = null;
  let loading: Promise<Agent> | null = null;
  async function load(): Promise<Agent> {
    const { Agent } = await import('undici');
    agent = new Agent({ headersTimeout: 0, bodyTimeout: 0, pipelining: 1 });
    return agent;
  }
  const targets = new Map<string, { origin: string; path: string }>();
  function target(url: string): { origin: string; path: string } {
    let known = targets.get(url);
    if (known === undefined) {
      const { origin, pathname, search } = new URL(url);
      known = { origin, path: pathname + search };
      targets.set(url, known);
    }
    return known;
  }
  return {
    push(url, body, end) {
      let ended = false;
      let status = 0;
      let abort: ((reason: Error) => void) | null = null;
      const finish = (result: PushResult): void => {
        if (ended) return;
        ended = true;
        end(result);
      };
      const dispatch = (by: Agent): void => {
        by.dispatch(
          { ...target(url), method: 'POST', headers: { 'content-type': 'application/json' }, body },
          {
            onRequestStart(controller) {
              abort = (reason) => controller.abort(reason);
              if (ended) abort(new Error('cancelled'));
            },
            onResponseStart(_controller, statusCode) {
              status = statusCode;
            },
            onResponseEnd: () => finish({ status }),
            onResponseError: (_controller, error) => finish({ error: describe(error) }),
          },
        );
      };
      if (agent !== null) dispatch(agent);
      else {
        loading ??= load();
        void loading.then((loaded) => {
          if (!ended) dispatch(loaded);
        });
      }
      return () => {
        ended = true;
        abort?.(new Error('cancelled'));
      };
    },
    close: async () => (await loading)?.destroy(),
  };
}

/** The code says more than the message, and is stable: ECONNREFUSED, UND_ERR_SOCKET. */
function describe(error: Error): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : error.message;
}

import { timingSafeEqual } from 'node:crypto';
import { RejectedError } from '#shared/errors.ts';
import { httpFunction, json, parseJson } from '#shared/runtime/http-function.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import type { Stack } from '../stack/stack.ts';
import { OPERATIONS } from './index.ts';

/** A chunk of replayed events is larger than a request. */
const MAX_OPS_BODY_BYTES = 8 * 1024 * 1024;
const OPS_DEADLINE_MS = 60_000;

/** `POST /ops/<name>` on loopback, for `vm`. Needs the token that only the owner of the state directory can read. */
export function operationsDoor(stack: Stack, token: string): FunctionApp {
  const byName = new Map(OPERATIONS.map((operation) => [operation.name, operation]));
  return httpFunction({
    name: 'ops',
    deps: stack.platform,
    bodyLimitBytes: MAX_OPS_BODY_BYTES,
    deadlineMs: OPS_DEADLINE_MS,
    routes: [
      {
        method: 'POST',
        path: '/ops/:name',
        handle: async (request) => {
          if (!sameToken(request.headers['authorization'], `Bearer ${token}`))
            throw new RejectedError('unauthorized', 'the token of this stack is missing or wrong');
          const operation = byName.get(request.params['name'] ?? '');
          if (operation === undefined)
            throw new RejectedError('not_found', `no operation ${JSON.stringify(request.params['name'])}`);
          const params = parseJson(request.body, operation.params);
          return json(200, (await operation.run(stack, params)) ?? null);
        },
      },
    ],
  });
}

function sameToken(given: string | undefined, expected: string): boolean {
  const a = Buffer.from(given ?? '');
  const b = Buffer.from(expected);
  return a.length === b.length && timingSafeEqual(a, b);
}

/** `GET /deployments`, `GET /deployments/:id`, `DELETE /deployments/:id`: a tenant's own, and what becomes of them. */
import { z } from 'zod';
import { LIVE_PREFIX, liveKey } from '#shared/domain/deployment.ts';
import { describeIssues } from '#shared/domain/events/codec.ts';
import { AuroraError, RejectedError } from '#shared/errors.ts';
import { type HttpRequest, type HttpRoute, json } from '#shared/runtime/http-function.ts';
import { isOver, requestEnd, terminateNow } from '../deployments/cancel.ts';
import { type Found, findDeployment, read } from '../deployments/find.ts';
import { belongsTo, type DeploymentView, viewOf } from '../deployments/view.ts';
import type { Tools } from '../tools.ts';
import type { Caller } from './caller.ts';

export function deploymentDoors(tools: Tools): readonly HttpRoute[] {
  const { state, worldClock, callerOf, log } = tools;
  return [
    {
      method: 'GET',
      path: '/deployments',
      handle: async (request) => json(200, await list(tools, await callerOf(request), pageOf(request))),
    },
    {
      method: 'GET',
      path: '/deployments/:id',
      handle: async (request) =>
        json(200, viewOf(await findDeployment(state, await callerOf(request), request.params['id'] ?? ''))),
    },
    {
      method: 'DELETE',
      path: '/deployments/:id',
      async handle(request) {
        const found = await findDeployment(state, await callerOf(request), request.params['id'] ?? '');
        if (found.record !== null && isOver(found.record)) return json(200, viewOf(found));
        const record = await requestEnd(state, found, worldClock.now());
        log.info({ decision_id: found.id, state: record.state }, 'deployment given up by its tenant');
        if (record.state !== 'cancelled' && isOver(record)) return json(200, viewOf({ ...found, record }));
        if (record.state === 'live') await terminateNow(tools, record, request);
        return json(202, { ...viewOf({ ...found, record }), status: 'cancelling' });
      },
    },
  ];
}

/** `limit` of a page; `after`: the `next` of the page before. */
const page = z.object({
  limit: z.coerce.number().int().min(1).max(256).default(50),
  after: z
    .string()
    .regex(/^[0-9a-f]{32}$/, 'expected a deployment_id')
    .optional(),
});
type Page = z.infer<typeof page>;

function pageOf({ query }: HttpRequest): Page {
  const parsed = page.safeParse(Object.fromEntries(query));
  if (parsed.success) return parsed.data;
  throw new RejectedError('body_invalid', `query ${describeIssues(parsed.error.issues)}`);
}

/** Entries of the index that one page looks at: it is one index for all tenants. */
const LOOKED_AT = 256;

interface DeploymentList {
  /** Of the tenant, by id. Maybe fewer than asked for although there are more: `next` tells. */
  readonly deployments: readonly DeploymentView[];
  /** Null: there are no more. */
  readonly next: string | null;
}

/** Those that live: deploy has made them, and watch has not seen their end. */
async function list({ state, log }: Tools, caller: Caller, { limit, after }: Page): Promise<DeploymentList> {
  const index = await state.list(LIVE_PREFIX, {
    limit: LOOKED_AT,
    ...(after === undefined ? {} : { after: liveKey(after) }),
  });
  const ids = index.map(({ key }) => key.slice(LIVE_PREFIX.length));
  /** What is wrong with one must not hide the others, which are other tenants' too. */
  const readable = async (id: string): Promise<Found | null> => {
    try {
      return await read(state, id);
    } catch (error) {
      if (!(error instanceof AuroraError && error.code === 'internal')) throw error;
      log.error({ decision_id: id, reason: error.message }, 'deployment cannot be read; it is not listed');
      return null;
    }
  };
  const found = (await Promise.all(ids.map(readable))).filter((one) => one !== null);
  const own = found.filter((one) => caller === null || belongsTo(caller, one));
  const shown = own.slice(0, limit);
  // Where the page stops: at its last one, or, when it is not full, at the last that was looked at.
  const last = own.length > limit ? shown.at(-1)?.id : index.length < LOOKED_AT ? undefined : ids.at(-1);
  return { deployments: shown.map(viewOf), next: last ?? null };
}

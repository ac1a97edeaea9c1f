/** `GET /deployments/:id/logs`: what the workload writes, as it comes, as far as its provider gives it out. */
import { RejectedError } from '#shared/errors.ts';
import type { HttpRoute } from '#shared/runtime/http-function.ts';
import { findDeployment } from '../deployments/find.ts';
import type { Tools } from '../tools.ts';

export function logsDoor({ state, callerOf, providers }: Tools): HttpRoute {
  return {
    method: 'GET',
    path: '/deployments/:id/logs',
    async handle(request) {
      const { id, record } = await findDeployment(state, await callerOf(request), request.params['id'] ?? '');
      if (record?.state !== 'live' || record.instance_id === null)
        throw new RejectedError('logs_unavailable', `deployment ${id} has no instance now`);
      const { provider: name } = record.request.option;
      const provider = (await providers()).find((one) => one.id === name);
      if (provider === undefined)
        throw new RejectedError('provider_unknown', `route has no adapter for provider ${JSON.stringify(name)}`);
      const body = await provider.logs(record.instance_id, { deadline: request.deadline, signal: request.signal });
      return {
        status: 200,
        headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
        body,
      };
    },
  };
}

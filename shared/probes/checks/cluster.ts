/** Whether the API of the cluster answers, in time, and says that it is ready: what every other look at the cluster needs. */
import { z } from 'zod';
import { defineCheck, fail, pass } from '../check.ts';
import { clipped, namesOf } from '../kubernetes/objects.ts';
import { rounded } from '../seen.ts';

const versionAnswer = z.object({ gitVersion: z.string() });
/** A line of /readyz for a component that is not: `[-]etcd failed: reason withheld`. */
const FAILED = /^\[-\](\S+)/gm;

export const clusterCheck = defineCheck({
  kind: 'cluster',
  on: 'kubernetes',
  spec: z.strictObject({
    /** Of both answers together; absent: as long as it likes. */
    max_ms: z.number().gt(0).max(600_000).optional(),
  }),
  async observe(_spec, target, tools, context) {
    const reader = tools.kubernetes(target);
    const sinceMs = tools.stopwatchMs();
    const [version, ready] = await Promise.all([reader.get('/version', context), reader.get('/readyz', context)]);
    const ms = rounded(tools.stopwatchMs() - sinceMs);
    const read = versionAnswer.safeParse(version.body);
    return {
      ms,
      versionStatus: version.status,
      version: read.success ? read.data.gitVersion : null,
      readyStatus: ready.status,
      failed: typeof ready.body === 'string' ? [...ready.body.matchAll(FAILED)].map(([, name = '']) => name) : [],
    };
  },
  judge({ max_ms }, { ms, versionStatus, version, readyStatus, failed }) {
    const evidence = {
      version: version === null ? null : clipped(version),
      version_status: versionStatus,
      readyz_status: readyStatus,
      not_ready: namesOf(failed),
      ms,
    };
    if (versionStatus !== 200 || version === null)
      return {
        status: 'error',
        evidence,
        remedy: 'Check the endpoint of the cluster: what answers there is not the API of Kubernetes.',
      };
    if (readyStatus !== 200)
      return fail(
        evidence,
        'The control plane says that it is not ready: look at the status of the cluster and at an upgrade under way (gcloud container operations list), and wait or call the vendor.',
      );
    if (max_ms !== undefined && ms > max_ms)
      return fail(
        { ...evidence, max_ms },
        'The control plane answers too slowly: look for who asks it so much (kubectl get --raw /metrics), and whether the vendor is repairing it.',
      );
    return pass(evidence);
  },
});

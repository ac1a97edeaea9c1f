/** Whether the nodes are ready and under no pressure, and enough of them are. One that has just come is given time. */
import { z } from 'zod';
import { count } from '#shared/domain/primitives.ts';
import { defineCheck, fail, pass } from '../check.ts';
import {
  conditionOf,
  conditions,
  instantOf,
  listOf,
  matches,
  metadata,
  namesOf,
  selector,
  sentence,
} from '../kubernetes/objects.ts';

const node = z.object({
  metadata,
  spec: z.object({ unschedulable: z.boolean().nullish() }).nullish(),
  status: z.object({ conditions }).nullish(),
});

/** True is bad for these. */
const PRESSURES = ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'NetworkUnavailable'];

export const nodesCheck = defineCheck({
  kind: 'nodes',
  on: 'kubernetes',
  spec: z.strictObject({
    min_ready: count.default(1),
    /** Labels of the nodes that count; none: all. */
    selector: selector.default({}),
    /** A node that is younger may still be on its way. */
    starting_s: z.number().min(0).max(3_600).default(300),
  }),
  async observe(spec, target, tools, context) {
    const all = await listOf(tools.kubernetes(target), '/api/v1/nodes', node, context);
    return all
      .filter(({ metadata: { labels } }) => matches(labels, spec.selector))
      .map(({ metadata: { name, creationTimestamp }, spec: wanted, status }) => {
        const ready = conditionOf(status?.conditions, 'Ready');
        return {
          name,
          createdMs: instantOf(creationTimestamp),
          cordoned: wanted?.unschedulable === true,
          ready: ready?.status === 'True',
          reason: ready === undefined ? 'no Ready condition' : (ready.reason ?? ready.status),
          pressures: PRESSURES.filter((type) => conditionOf(status?.conditions, type)?.status === 'True'),
        };
      });
  },
  judge(spec, seen, nowMs) {
    const isNew = (createdMs: number | null): boolean =>
      createdMs !== null && nowMs - createdMs < spec.starting_s * 1_000;
    const ready = seen.filter((one) => one.ready);
    const starting = seen.filter((one) => !one.ready && isNew(one.createdMs));
    const notReady = seen.filter((one) => !one.ready && !isNew(one.createdMs));
    const pressed = seen.filter(({ pressures }) => pressures.length > 0);
    const evidence = {
      nodes: seen.length,
      ready: ready.length,
      min_ready: spec.min_ready,
      starting: starting.length,
      cordoned: seen.filter(({ cordoned }) => cordoned).length,
      not_ready: namesOf(notReady.map(({ name, reason }) => `${name}: ${reason}`)),
      pressure: namesOf(pressed.map(({ name, pressures }) => `${name}: ${pressures.join(' ')}`)),
    };
    const [sick] = notReady;
    if (sick !== undefined)
      return fail(
        evidence,
        sentence(
          `Read why: kubectl describe node ${sick.name}. If it does not come back, drain and delete it; its pool makes another.`,
        ),
      );
    const [full] = pressed;
    if (full !== undefined)
      return fail(
        evidence,
        sentence(
          `${full.name} runs out of what it names: look for the pods that take it (kubectl top pods -A), give them limits, or add a node.`,
        ),
      );
    if (ready.length < spec.min_ready)
      return fail(
        evidence,
        `Expected at least ${spec.min_ready} ready: look at the size and the quota of the node pool (gcloud container node-pools list).`,
      );
    return pass(evidence);
  },
});

/** Whether the pods of a service run and are ready, enough of them, and none crashes over and over. */
import { z } from 'zod';
import { count } from '#shared/domain/primitives.ts';
import { defineCheck } from '../check.ts';
import { selector } from '../kubernetes/objects.ts';
import { readPods } from '../kubernetes/pods.ts';
import { judgePods, podLimits } from '../kubernetes/pods-verdict.ts';

export const podsCheck = defineCheck({
  kind: 'pods',
  on: 'kubernetes',
  spec: z.strictObject({
    /** Labels that a pod must have, such as `app: psi-field`. */
    selector: selector.refine((labels) => Object.keys(labels).length > 0, 'expected a label at least'),
    /** Ready ones; 0 where nothing to do is no pods. */
    min: count.default(1),
    ...podLimits,
  }),
  observe: (spec, { namespace }, tools, context) =>
    readPods(tools.kubernetes({ namespace }), namespace, spec.selector, context),
  judge: (spec, seen, nowMs) => judgePods(spec, seen, nowMs),
});

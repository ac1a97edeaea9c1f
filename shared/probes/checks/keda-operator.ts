/** Whether the operator of KEDA runs: without it nothing scales, in either direction. */
import { z } from 'zod';
import { count } from '#shared/domain/primitives.ts';
import { defineCheck } from '../check.ts';
import { selector } from '../kubernetes/objects.ts';
import { readPods } from '../kubernetes/pods.ts';
import { judgePods, podLimits } from '../kubernetes/pods-verdict.ts';

export const kedaOperatorCheck = defineCheck({
  kind: 'keda_operator',
  on: 'kubernetes',
  spec: z.strictObject({
    /** Its own, whatever the target's is. */
    namespace: z
      .string()
      .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/)
      .default('keda'),
    selector: selector.default({ 'app.kubernetes.io/name': 'keda-operator' }),
    min: count.min(1).default(1),
    ...podLimits,
  }),
  observe: (spec, _target, tools, context) =>
    readPods(tools.kubernetes({ namespace: spec.namespace }), spec.namespace, spec.selector, context),
  judge: (spec, seen, nowMs) => judgePods(spec, seen, nowMs),
});

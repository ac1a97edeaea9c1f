/** Whether KEDA scales what it is to scale, between the bounds that are expected, by the subscription that is expected. */
import { z } from 'zod';
import { count } from '#shared/domain/primitives.ts';
import { AuroraError } from '#shared/errors.ts';
import { defineCheck, fail, pass, type Verdict } from '../check.ts';
import { clipped, conditionOf, conditions, listOf, metadata, sentence } from '../kubernetes/objects.ts';

const scaled = z.object({
  metadata,
  spec: z.object({
    scaleTargetRef: z.object({ name: z.string() }).nullish(),
    minReplicaCount: count.nullish(),
    maxReplicaCount: count.nullish(),
    triggers: z.array(z.object({ metadata: z.record(z.string(), z.unknown()).nullish() })).nullish(),
  }),
  status: z.object({ conditions }).nullish(),
});

/** What KEDA takes where a bound is not said: https://keda.sh/docs/latest/reference/scaledobject-spec */
const MIN_UNSAID = 0;
const MAX_UNSAID = 100;

export const scaledObjectCheck = defineCheck({
  kind: 'scaled_object',
  on: 'kubernetes',
  spec: z.strictObject({
    scaled_object: z.string().min(1).max(253),
    resource: z.enum(['scaledobjects', 'scaledjobs']).default('scaledobjects'),
    /** Deployment that it scales; absent: not compared, as a ScaledJob has none. */
    scales: z.string().min(1).max(253).optional(),
    min: count.default(0),
    max: count.min(1),
    /** Pub/Sub subscription that it scales by; absent: not compared. */
    subscription: z.string().min(1).max(255).optional(),
    /** Messages for each replica; absent: not compared. */
    value: z.number().positive().optional(),
  }),
  async observe(spec, { namespace }, tools, context) {
    const path = `/apis/keda.sh/v1alpha1/namespaces/${namespace}/${spec.resource}`;
    let all: readonly z.infer<typeof scaled>[];
    try {
      all = await listOf(tools.kubernetes({ namespace }), path, scaled, context);
    } catch (error) {
      if (error instanceof AuroraError && error.code === 'not_found') return { known: false, namespace, found: null };
      throw error;
    }
    const found = all.find(({ metadata: { name } }) => name === spec.scaled_object);
    return { known: true, namespace, found: found === undefined ? null : scalerSeen(found) };
  },
  judge(spec, { known, namespace, found }) {
    const name = spec.scaled_object;
    if (found === null)
      return fail(
        { scaled_object: name, found: false, known },
        sentence(
          known
            ? `There is no ${name} among the ${spec.resource} of ${namespace}: apply it again.`
            : `The cluster knows no ${spec.resource}: install KEDA.`,
        ),
      );
    const { scales, min, max, subscription, value, ready, reason, paused, fallback, blind } = found;
    const evidence = {
      scaled_object: name,
      found: true,
      ready,
      reason: short(reason),
      paused,
      fallback,
      blind,
      scales: short(scales),
      min,
      max,
      subscription: short(subscription),
      value,
    };
    const bad = (remedy: string): Verdict => fail(evidence, sentence(remedy));
    const edit = `correct it and apply it again (kubectl -n ${namespace} get ${spec.resource} ${name} -o yaml)`;
    if (paused)
      return bad(
        `Somebody paused it: kubectl -n ${namespace} annotate ${spec.resource} ${name} autoscaling.keda.sh/paused- autoscaling.keda.sh/paused-replicas-.`,
      );
    if (!ready)
      return bad(
        `KEDA cannot scale by it: read why (kubectl -n ${namespace} describe ${spec.resource} ${name}), and whether its account may read the subscription.`,
      );
    if (blind)
      return bad(
        'KEDA does not know how much waits, so nothing is scaled: read its log (kubectl -n keda logs deployment/keda-operator), and whether its account may read the subscription.',
      );
    if (fallback)
      return bad(
        'KEDA cannot read the backlog and runs the fallback replicas: check that its account may read the subscription.',
      );
    if (spec.scales !== undefined && scales !== spec.scales)
      return bad(`It scales ${scales ?? 'nothing'}, expected ${spec.scales}: ${edit}.`);
    if (min !== spec.min || max !== spec.max)
      return bad(`It scales between ${min} and ${max}, expected ${spec.min} and ${spec.max}: ${edit}.`);
    if (spec.subscription !== undefined && subscription !== spec.subscription)
      return bad(`It scales by ${subscription ?? 'no subscription'}, expected ${spec.subscription}: ${edit}.`);
    if (spec.value !== undefined && value !== spec.value)
      return bad(
        `It counts ${value ?? 'an unknown number of'} messages for a replica, expected ${spec.value}: ${edit}.`,
      );
    return pass(evidence);
  },
});

const short = (text: string | null): string | null => (text === null ? null : clipped(text));

function scalerSeen({ metadata: { annotations }, spec, status }: z.infer<typeof scaled>) {
  const ready = conditionOf(status?.conditions, 'Ready');
  const [trigger] = spec.triggers ?? [];
  const { subscriptionName, value } = trigger?.metadata ?? {};
  // Its metadata are texts.
  const messages = typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN;
  return {
    scales: spec.scaleTargetRef?.name ?? null,
    min: spec.minReplicaCount ?? MIN_UNSAID,
    max: spec.maxReplicaCount ?? MAX_UNSAID,
    // A full name is projects/P/subscriptions/S.
    subscription: typeof subscriptionName === 'string' ? (subscriptionName.split('/').at(-1) ?? null) : null,
    value: Number.isFinite(messages) ? messages : null,
    ready: ready?.status === 'True',
    reason: ready?.status === 'True' ? null : (ready?.message ?? ready?.reason ?? 'no Ready condition'),
    paused:
      conditionOf(status?.conditions, 'Paused')?.status === 'True' ||
      annotations?.['autoscaling.keda.sh/paused'] === 'true' ||
      annotations?.['autoscaling.keda.sh/paused-replicas'] !== undefined,
    fallback: conditionOf(status?.conditions, 'Fallback')?.status === 'True',
    // Idle is False. Before the first look at the backlog it is Unknown too, but then it is not Ready either.
    blind: conditionOf(status?.conditions, 'Active')?.status === 'Unknown',
  };
}

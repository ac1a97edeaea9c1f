/** Whether what was rolled out last is what runs, on every replica. A rollout that gets on is given time. */
import { z } from 'zod';
import { count } from '#shared/domain/primitives.ts';
import { defineCheck, fail, pass, type Verdict } from '../check.ts';
import { clipped, conditionOf, conditions, instantOf, listOf, metadata, sentence } from '../kubernetes/objects.ts';

const deployment = z.object({
  metadata,
  spec: z.object({ replicas: count.nullish(), paused: z.boolean().nullish() }),
  status: z
    .object({
      observedGeneration: z.number().nullish(),
      replicas: count.nullish(),
      updatedReplicas: count.nullish(),
      availableReplicas: count.nullish(),
      conditions,
    })
    .nullish(),
});

/** Reasons of a Progressing condition while a rollout is under way. */
const UNDER_WAY = new Set(['NewReplicaSetCreated', 'FoundNewReplicaSet', 'ReplicaSetUpdated']);

export const rolloutCheck = defineCheck({
  kind: 'rollout',
  on: 'kubernetes',
  spec: z.strictObject({
    deployment: z.string().min(1).max(253),
    /** Replicas that it is to have; 0 where nothing to do is no pods. */
    min: count.default(1),
    /** Somebody scales it, so some may be on their way: it is enough that `min` are available, unless too few are for longer than `moving_s`. */
    autoscaled: z.boolean().default(false),
    /** So long since it last got on, a rollout may be under way. */
    moving_s: z.number().min(0).max(3_600).default(120),
  }),
  async observe(spec, { namespace }, tools, context) {
    const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;
    const all = await listOf(tools.kubernetes({ namespace }), path, deployment, context);
    const found = all.find(({ metadata: { name } }) => name === spec.deployment);
    if (found === undefined) return { namespace, found: null };
    const { status } = found;
    const progressing = conditionOf(status?.conditions, 'Progressing');
    const available = conditionOf(status?.conditions, 'Available');
    return {
      namespace,
      found: {
        unseen: (status?.observedGeneration ?? 0) < (found.metadata.generation ?? 0),
        paused: found.spec.paused === true,
        wanted: found.spec.replicas ?? 1,
        replicas: status?.replicas ?? 0,
        updated: status?.updatedReplicas ?? 0,
        available: status?.availableReplicas ?? 0,
        progress: progressing?.reason == null ? null : clipped(progressing.reason),
        movedMs: instantOf(progressing?.lastUpdateTime),
        shortSinceMs: available?.status === 'False' ? instantOf(available.lastTransitionTime) : null,
      },
    };
  },
  judge(spec, { namespace, found }, nowMs) {
    const kubectl = `kubectl -n ${namespace}`;
    const bad = (remedy: string): Verdict => fail(evidence, sentence(remedy));
    if (found === null)
      return fail(
        { deployment: spec.deployment, found: false },
        sentence(`There is no deployment ${spec.deployment} in ${namespace}: apply its manifests again.`),
      );
    const { wanted, replicas, updated, available, unseen, paused, progress, movedMs, shortSinceMs } = found;
    // Kubernetes' own word: fewer are available than it may leave out.
    const shortS = shortSinceMs === null ? null : Math.round((nowMs - shortSinceMs) / 1_000);
    const short = available < wanted && shortS !== null && shortS >= spec.moving_s;
    const done = spec.autoscaled
      ? updated === replicas && available >= spec.min && !short
      : updated === wanted && replicas === wanted && available === wanted;
    const moving =
      !done &&
      available >= spec.min &&
      progress !== null &&
      UNDER_WAY.has(progress) &&
      movedMs !== null &&
      nowMs - movedMs < spec.moving_s * 1_000;
    const evidence = {
      deployment: spec.deployment,
      found: true,
      wanted,
      replicas,
      updated,
      available,
      min: spec.min,
      unseen,
      paused,
      progress,
      moving,
      short_s: shortS,
    };
    const undo = `${kubectl} rollout undo deployment/${spec.deployment}`;
    if (unseen)
      return bad(
        'The controller has not taken up the last change: look at the control plane (kubectl get events -n kube-system).',
      );
    if (progress === 'ProgressDeadlineExceeded')
      return bad(`The rollout got stuck: read why its new pods do not come up, and take it back (${undo}).`);
    if (wanted < spec.min)
      return bad(
        `It is scaled to ${wanted}, expected at least ${spec.min}: ${kubectl} scale deployment/${spec.deployment} --replicas=${spec.min}.`,
      );
    if (done || moving) return pass(evidence);
    if (paused) return bad(`The rollout is paused half way: ${kubectl} rollout resume deployment/${spec.deployment}.`);
    if (replicas > updated)
      return bad(`Old pods still run: read why the new ones do not come up, or take the rollout back (${undo}).`);
    return bad(
      `${available} replicas are available, expected ${spec.autoscaled && !short ? spec.min : wanted}: look at its pods and its events (${kubectl} describe deployment ${spec.deployment}).`,
    );
  },
});

/** What is said of pods: by the check of a service's and by that of KEDA's operator. */
import { z } from 'zod';
import { count } from '#shared/domain/primitives.ts';
import { fail, pass, type Verdict } from '../check.ts';
import { type Labels, namesOf, selectorText, sentence } from './objects.ts';
import { type PodSeen, type PodsSeen, restartsWithin } from './pods.ts';

/** What a suite may say of pods beside which and how many. */
export const podLimits = {
  /** Of one pod within the window; more is a crash loop, also where it happens to run when it is looked at. */
  max_restarts: count.default(3),
  restart_window_s: z.number().min(60).max(86_400).default(3_600),
  /** A pod that is younger may still be on its way: a node is made, an image is pulled. */
  starting_s: z.number().min(0).max(3_600).default(120),
};

export interface PodSpec {
  readonly selector: Labels;
  readonly min: number;
  readonly max_restarts: number;
  readonly restart_window_s: number;
  readonly starting_s: number;
}

export function judgePods(spec: PodSpec, { namespace, pods, leaving }: PodsSeen, nowMs: number): Verdict {
  const windowMs = spec.restart_window_s * 1_000;
  const counted = pods.map((pod) => ({ pod, restarts: restartsWithin(pod, windowMs, nowMs) }));
  const isNew = ({ createdMs }: PodSeen): boolean => createdMs !== null && nowMs - createdMs < spec.starting_s * 1_000;
  const ready = pods.filter((pod) => pod.ready);
  const stuck = pods.filter(({ waiting }) => waiting !== null);
  const late = pods.filter((pod) => pod.waiting === null && !pod.ready && !isNew(pod));
  const looping = counted.filter(({ restarts }) => restarts.likely > spec.max_restarts).map(({ pod }) => pod);
  const evidence = {
    pods: pods.length,
    ready: ready.length,
    min: spec.min,
    starting: pods.filter((pod) => pod.waiting === null && !pod.ready && isNew(pod)).length,
    leaving,
    stuck: namesOf(stuck.map(({ name, waiting }) => `${name}: ${waiting}`)),
    not_ready: namesOf(late.map((pod) => `${pod.name}: ${pod.unscheduled ?? pod.phase}`)),
    // Of the pod with the most: one look knows a span (pods.ts).
    restarts_at_least: Math.max(0, ...counted.map(({ restarts }) => restarts.atLeast)),
    restarts_likely: Math.max(0, ...counted.map(({ restarts }) => restarts.likely)),
    restarts_at_most: Math.max(0, ...counted.map(({ restarts }) => restarts.atMost)),
  };
  const bad = (remedy: string): Verdict => fail(evidence, sentence(remedy));
  const kubectl = `kubectl -n ${namespace}`;
  const [sick] = stuck;
  if (sick !== undefined) return bad(remedyOfWaiting(sick, kubectl));
  const [crashing] = looping;
  if (crashing !== undefined)
    return bad(
      `${crashing.name} ends over and over: read why (${kubectl} logs ${crashing.name} --previous), then roll back what was rolled out last.`,
    );
  const [waiting] = late;
  if (waiting !== undefined)
    return bad(
      waiting.unscheduled === null
        ? `${waiting.name} does not become ready: read its events and its log (${kubectl} describe pod ${waiting.name}).`
        : `No node takes ${waiting.name}: read why (${kubectl} describe pod ${waiting.name}), then add a node or ask for less.`,
    );
  if (ready.length < spec.min)
    return bad(
      `Expected at least ${spec.min} ready of ${selectorText(spec.selector)}: look whether its deployment is there and scaled (${kubectl} get deployments).`,
    );
  return pass(evidence);
}

function remedyOfWaiting({ name, waiting }: PodSeen, kubectl: string): string {
  const reason = waiting ?? '';
  if (reason.startsWith('CrashLoopBackOff'))
    return `${name} ends over and over: read why (${kubectl} logs ${name} --previous), then roll back what was rolled out last.`;
  if (/Image/.test(reason))
    return `The image of ${name} cannot be had: check its name and digest, and that the nodes may read the registry (${kubectl} describe pod ${name}).`;
  return `${name} cannot start: read its events (${kubectl} describe pod ${name}); a secret or a config map may be missing.`;
}

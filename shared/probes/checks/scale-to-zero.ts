/**
 * Whether a service that sleeps wakes for work and sleeps again: 0 -> 1 -> 0. Publishes one job, so a suite says it on purpose; takes as
 * long as KEDA polls and cools down, so its deadline is long.
 *   awaits zero -> publishes a job -> awaits a replica that is available -> awaits zero
 */
import { z } from 'zod';
import { defineCheck, fail, pass, unseen, type Verdict } from '../check.ts';
import { sentence } from '../kubernetes/objects.ts';
import { createReplicasWatch, type ReplicasWatched } from '../kubernetes/replicas.ts';

interface Seen {
  readonly namespace: string;
  /** False: nobody may publish jobs here, so nothing was tried. */
  readonly publisher: boolean;
  readonly begin: ReplicasWatched | null;
  readonly up: ReplicasWatched | null;
  readonly down: ReplicasWatched | null;
}

/** KEDA polls every 30 s, a node may have to be made (2 minutes), an image pulled. */
const UP_S = 240;
/** 300 s of cooldown, a poll, half a minute to end. */
const DOWN_S = 420;

/** One step of psi-field on nothing: it is worked off as any other, and changes nothing that matters. */
export const PSI_JOB = { x: new Array<number>(16).fill(0), apply_guardian: false };

/** As Pub/Sub names them; a topic of another project by its full name. */
const TOPIC = /^(projects\/[a-z][a-z0-9-]{4,28}[a-z0-9]\/topics\/)?[A-Za-z][\w.~+%-]{2,254}$/;
/** How subscriptions of workers are named after their topic. */
const SUFFIX = '-sub';

const spec = z
  .strictObject({
    deployment: z.string().min(1).max(253).default('psi-field'),
    subscription: z.string().min(1).max(255).default('vaultmesh-psi-jobs-sub'),
    /** Where the job is published; absent: the subscription without its "-sub". */
    topic: z.string().regex(TOPIC, 'expected the name of a topic, or projects/P/topics/NAME').optional(),
    /** What is published, as JSON. */
    job: z.record(z.string(), z.json()).default(PSI_JOB),
    up_s: z.number().min(0.1).max(3_600).default(UP_S),
    down_s: z.number().min(0.1).max(3_600).default(DOWN_S),
    poll_s: z.number().min(0.05).max(60).default(2),
  })
  .transform((said, context) => {
    const topic = said.topic ?? said.subscription.slice(0, -SUFFIX.length);
    if (said.topic !== undefined || (said.subscription.endsWith(SUFFIX) && TOPIC.test(topic)))
      return { ...said, topic };
    const message = `expected the topic of ${said.subscription}, whose name does not say it`;
    context.addIssue({ code: 'custom', path: ['topic'], message });
    return z.NEVER;
  });

export const scaleToZeroCheck = defineCheck({
  kind: 'scale_to_zero',
  on: 'kubernetes',
  publishes: true,
  spec,
  async observe(spec, { namespace }, tools, context): Promise<Seen> {
    const { hostClock, publishJob } = tools;
    const nothing: Seen = { namespace, publisher: publishJob !== null, begin: null, up: null, down: null };
    if (publishJob === null) return nothing;
    const reader = tools.kubernetes({ namespace });
    const pollMs = spec.poll_s * 1_000;
    const watch = createReplicasWatch({ reader, namespace, deployment: spec.deployment, pollMs, hostClock });
    const begin = await watch(({ replicas }) => replicas === 0, spec.down_s * 1_000, context);
    if (begin.outcome !== 'reached') return { ...nothing, begin };
    await publishJob(spec.topic, spec.job, context);
    const up = await watch(({ available }) => available >= 1, spec.up_s * 1_000, context);
    if (up.outcome !== 'reached') return { ...nothing, begin, up };
    const down = await watch(({ replicas }) => replicas === 0, spec.down_s * 1_000, context);
    return { ...nothing, begin, up, down };
  },
  judge(spec, { namespace, publisher, begin, up, down }) {
    const last = down ?? up ?? begin;
    const evidence = {
      deployment: spec.deployment,
      subscription: spec.subscription,
      topic: spec.topic,
      publisher,
      zero_at_first: begin?.outcome ?? null,
      up: up?.outcome ?? null,
      up_ms: up?.ms ?? null,
      down: down?.outcome ?? null,
      down_ms: down?.ms ?? null,
      replicas: last?.last?.replicas ?? null,
      available: last?.last?.available ?? null,
    };
    const bad = (remedy: string): Verdict => fail(evidence, sentence(remedy));
    if (!publisher)
      return unseen(
        evidence,
        'Nobody may publish jobs for this cluster from here: log in to its project (AURORA_PLATFORM=gcp), of a simulated one name the directory of its vm up (--dir), or leave the check out.',
      );
    if (last === null || last.outcome === 'cut_short')
      return unseen(
        evidence,
        `Its deadline came first: give it ${Math.ceil(spec.up_s + 2 * spec.down_s)} s (deadline_s), and the run as much.`,
      );
    if (last.outcome === 'missing')
      return bad(`There is no deployment ${spec.deployment} in ${namespace}: apply its manifests again.`);
    const scaler = `kubectl -n ${namespace} describe scaledobjects`;
    if (up === null && last.outcome === 'late')
      return bad(
        `It was not at zero within ${spec.down_s} s: either there is work (look at the backlog of ${spec.subscription}), or KEDA does not take it down (${scaler}).`,
      );
    if (down === null && last.outcome === 'late')
      return bad(
        `No replica came for a job within ${spec.up_s} s: look at KEDA (${scaler}), at its right to read ${spec.subscription}, and at the pods that do not start.`,
      );
    if (last.outcome === 'late')
      return bad(
        `It did not go back to zero within ${spec.down_s} s: look whether the job was taken (backlog of ${spec.subscription}), and at KEDA (${scaler}).`,
      );
    return pass(evidence);
  },
});

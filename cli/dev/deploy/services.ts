/**
 * The services in the order in which a release reaches them, and what each is asked before it gets traffic.
 * The rule of the order: who hears goes before who speaks, and who is called before who calls. A new event, or a new field of a
 * request, then never meets a build that does not know it; a build that knows more than comes in is what the codec expects anyway.
 * On the way back, and to an older image, the order is the other way round.
 */
import { MAX_REJECTED_ENVELOPE_BYTES } from '#shared/defaults.ts';
import type { Deployed } from '../bundle.ts';

/** One request of the kind that the service takes, which changes nothing. */
export interface Probe {
  readonly path: string;
  readonly body: string;
  /** Answers that pass: a status, or the code of a refusal. */
  readonly passes: readonly (number | string)[];
}

/** A push that the door refuses for its size: past it even a refusal leaves a row, in quarantine. */
const push: Probe = { path: '/', body: ' '.repeat(MAX_REJECTED_ENVELOPE_BYTES + 1), passes: ['body_too_large'] };

/** Its one door works, and costs calls of the marketplaces: that it answers elsewhere shows that it has started with its keys. */
const elsewhere: Probe = { path: '/', body: '{}', passes: ['not_found'] };

const REQUEST = { workload_type: 'llm_inference', gpu_type: 'a100', region: 'us-west', gpu_hours: 1 };

export const PROBES = {
  // Hears everybody.
  ingest: push,
  // Hears promote.
  learn: push,
  // Hears train.
  promote: push,
  // Its service, then its job.
  train: push,
  // Hears its own clock alone; what it looks at goes on meanwhile.
  probe: push,
  // Pure. In a project without offers there is nothing to score.
  score: { path: '/agent/route', body: JSON.stringify(REQUEST), passes: [200, 'offers_unavailable'] },
  // Hears of deployments through their records, which deploy writes.
  watch: elsewhere,
  // Hears route.
  deploy: push,
  // Calls score. What it accepts it deploys, so it is asked what it must refuse, also because whoever releases is none of its tenants.
  route: { path: '/route', body: '{}', passes: ['body_invalid', 'unauthorized', 'forbidden'] },
  // Writes what score and route read.
  collect: elsewhere,
} as const satisfies Readonly<Record<Deployed, Probe>>;

export const ORDER = Object.keys(PROBES) as readonly Deployed[];

/** As terraform names them (modules/function, aurora/job.tf). */
export const serviceName = (name: string): string => `aurora-${name}`;
export const TRAINING_JOB = 'aurora-train-job';

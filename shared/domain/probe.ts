/** Words of the probes: what a check says of its target, and what a run says of its suite. */
import { z } from 'zod';
import { count, name, nonNegative, timestamp } from './primitives.ts';

/**
 * pass, fail: its target was looked at, or used as its users do. error: it could not be looked at, so how it is stays unknown.
 * skipped: a check that it needs did not pass.
 */
export const checkStatus = z.enum(['pass', 'fail', 'error', 'skipped']);
export type CheckStatus = z.infer<typeof checkStatus>;

/** Characters of one text of the evidence, and of what is to be done. */
export const MAX_TEXT = 300;
export const MAX_REMEDY = 500;

/** What was seen, in a few flat fields that a person reads. */
export const evidence = z.record(z.string(), z.union([z.string().max(MAX_TEXT), z.number(), z.boolean(), z.null()]));
export type Evidence = Readonly<z.infer<typeof evidence>>;

/** Whether the suite has failed when the check does, or works less well. */
export const severity = z.enum(['critical', 'warning']);

/** Lower case, digits and dashes; what a suite, a check or a target is called. */
export const probeId = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, 'expected lower case letters, digits and dashes');

export const checkResult = z.object({
  suite: probeId,
  /** Of one run of the suite. */
  run_id: name,
  check_id: probeId,
  kind: name,
  category: name,
  target: probeId,
  severity,
  status: checkStatus,
  /** Of the host, like all times of probes: machines are looked at, not the world that is routed in. */
  observed_at: timestamp,
  /** Of the last attempt; null: there was none. */
  latency_ms: nonNegative.nullable(),
  attempts: count,
  evidence,
  /** What to do; null when it passed. */
  remedy: z.string().max(MAX_REMEDY).nullable(),
  /** Why nobody is to be woken; null: no maintenance now. */
  maintenance: z.string().max(200).nullable(),
});
export type CheckResult = z.infer<typeof checkResult>;

/** A check has begun to fail, for good; or it is well again. */
export const alertTransition = z.object({
  suite: probeId,
  check_id: probeId,
  state: z.enum(['firing', 'resolved']),
  /** Of one episode; the same when it is over. Suite, check and an instant: longer than a name may be. */
  dedupe_key: z.string().min(1).max(200),
  changed_at: timestamp,
  firing_since: timestamp,
  severity,
  summary: z.string().max(600),
  remedy: z.string().max(MAX_REMEDY).nullable(),
  run_id: name,
});
export type AlertTransition = z.infer<typeof alertTransition>;

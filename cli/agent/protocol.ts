/** What goes over the lines of `vm agent --stdio`: one JSON object a line. Times come with the lines; nothing here has a clock. */
import { z } from 'zod';
import type { Mode } from '#shared/domain/decision.ts';
import { describeIssues } from '#shared/domain/events/codec.ts';
import { name, nonNegative, positive, timestamp } from '#shared/domain/primitives.ts';
import { routeRequest } from '#shared/domain/request.ts';
import { RejectedError } from '#shared/errors.ts';

const figure = nonNegative.nullish();

const agentOffer = z.object({
  provider: name,
  offer_id: z.string().min(1).max(256),
  gpu_type: name,
  region: name,
  usd_per_gpu_hour: positive.max(1e6),
  latency_ms: positive.nullish(),
  reputation: nonNegative.max(100).nullish(),
  capacity_gpu_hours: figure,
  capacity_total_gpu_hours: figure,
  gpu_count: z.int().min(1).nullish(),
  active: z.boolean().nullish(),
});
export type AgentOffer = z.infer<typeof agentOffer>;

const routeLine = z.object({
  type: z.literal('route'),
  at: timestamp,
  request: routeRequest.extend({ request_id: name }),
  offers: z.array(agentOffer).max(10_000),
});
export type RouteLine = z.infer<typeof routeLine>;

const outcomeLine = z.object({
  type: z.literal('outcome'),
  at: timestamp,
  decision_id: z.string().min(1).max(256),
  status: z.enum(['ready', 'completed', 'failed_to_start', 'preempted', 'failed', 'cancelled']),
  blame: z.enum(['provider', 'tenant', 'network', 'ours']).nullish(),
  ready_ms: figure,
  latency_ms: figure,
  exposure_hours: figure,
  effective_usd_per_gpu_hour: figure,
  useful_gpu_hours: figure,
  billed_gpu_hours: figure,
});
export type OutcomeLine = z.infer<typeof outcomeLine>;

const flushLine = z.object({ type: z.literal('flush') });

const agentLine = z.discriminatedUnion('type', [routeLine, outcomeLine, flushLine]);
export type AgentLine = z.infer<typeof agentLine>;

/** @throws RejectedError body_invalid */
export function parseAgentLine(bytes: Uint8Array): AgentLine {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    throw new RejectedError('body_invalid', `expected one JSON object: ${(cause as Error).message}`, { cause });
  }
  const parsed = agentLine.safeParse(value);
  if (!parsed.success) throw new RejectedError('body_invalid', describeIssues(parsed.error.issues));
  return parsed.data;
}

const decoder = new TextDecoder('utf-8', { fatal: true });

export type AgentAnswer =
  | {
      readonly type: 'decision';
      readonly request_id: string;
      readonly decision_id: string;
      readonly provider: string;
      readonly offer_id: string;
      readonly propensity: number;
      readonly mode: Mode;
      /** Null: the rules acted; `linear`: the learner on its own. */
      readonly model_version: string | null;
      readonly expected_utility: number;
      readonly probabilities: Readonly<Record<string, number>>;
    }
  | {
      readonly type: 'no_offer';
      readonly request_id: string;
      readonly excluded: readonly { readonly offer_id: string; readonly reason: string; readonly needed: string }[];
    }
  | { readonly type: 'state'; readonly [field: string]: unknown }
  | { readonly type: 'error'; readonly line: number; readonly code: string; readonly message: string };

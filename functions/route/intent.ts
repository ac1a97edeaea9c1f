import { z } from 'zod';
import { deploymentRequested, routingDecision } from '#shared/domain/events/catalogue.ts';
import { sha256Hex } from '#shared/domain/ids.ts';
import type { Workload } from '#shared/domain/request.ts';
import { routeAnswer } from './answer.ts';

/**
 * `intents/<decision_id>`: what was decided, durable before anyone is told.
 * States: open (events perhaps not published) -> published. A retry of an open intent publishes again (the event ids are
 * the same, so it changes nothing); a retry of a published one only answers.
 */
export const intent = z.object({
  request_hash: z.string(),
  answer: routeAnswer,
  /** Null once published. */
  open: z.object({ decision: routingDecision.schema, deployment: deploymentRequested.schema }).nullable(),
});
export type Intent = z.infer<typeof intent>;

export const intentKey = (decisionId: string): string => `intents/${decisionId}`;

/** Two requests with one id are one request only if they ask for the same. */
export const requestHash = (workload: Workload): string => sha256Hex(JSON.stringify(workload)).slice(0, 16);

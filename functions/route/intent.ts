import { z } from 'zod';
import { reservation } from '#shared/domain/budget.ts';
import { type DeploymentRequest, deploymentRequested, routingDecision } from '#shared/domain/events/catalogue.ts';
import { sha256Hex } from '#shared/domain/ids.ts';
import type { Workload } from '#shared/domain/request.ts';
import { type RouteAnswer, routeAnswer } from './answer.ts';

const textOf = (schema: z.ZodType): z.ZodType<string> =>
  z.union([z.string(), schema.transform((value) => JSON.stringify(value))]);

/**
 * `intents/<decision_id>`: what was decided, durable before anyone is told.
 * States: open (events perhaps not published) -> published. A retry of an open intent publishes again (the event ids are
 * the same, so it changes nothing); a retry of a published one only answers.
 */
export const intent = z.object({
  request_hash: z.string(),
  /** The answer without what follows from the rest: there are hundreds of thousands of these. */
  answer: routeAnswer.omit({ decision_id: true, deployment_id: true, status: true, reason: true, excluded: true }),
  /** Null once published. */
  open: z
    .object({
      /** As JSON text: it is made once, for the intent and for the event. Older builds wrote the values. */
      decision: textOf(routingDecision.schema),
      deployment: textOf(deploymentRequested.schema),
      /** Of its tenant's budget; null: it has none. */
      reservation: reservation.nullable().default(null),
    })
    .nullable(),
});
export type Intent = z.infer<typeof intent>;

export function openIntent(answer: RouteAnswer, open: NonNullable<Intent['open']>, workload: Workload): Intent {
  const { decision_id: _id, deployment_id: _same, status: _status, reason: _reason, excluded: _none, ...kept } = answer;
  return { request_hash: requestHash(workload), answer: kept, open };
}

/** @throws ZodError: what another build wrote, and this one cannot read */
export const deploymentIn = ({ deployment }: NonNullable<Intent['open']>): DeploymentRequest =>
  deploymentRequested.schema.parse(JSON.parse(deployment));

/** Byte for byte what the first caller was told: the schema puts the fields in their order. An intent exists only where something is deployed. */
export const answerOfIntent = ({ answer }: Intent, decisionId: string): RouteAnswer =>
  routeAnswer.parse({
    ...answer,
    deployment_id: decisionId,
    status: 'provisioning',
    reason: null,
    decision_id: decisionId,
    excluded: [],
  });

const PREFIX = 'intents/';
export const intentKey = (decisionId: string): string => PREFIX + decisionId;
export const decisionIdOf = (key: string): string => key.slice(PREFIX.length);

/** Two requests with one id are one request only if they ask for the same. */
export const requestHash = ({ image, port, ...asked }: Workload): string =>
  sha256Hex(JSON.stringify(image === null && port === null ? asked : { ...asked, image, port })).slice(0, 16);

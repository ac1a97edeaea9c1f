/** Every kind of check that a suite may name. */
import type { CheckKind } from '../check.ts';
import { canaryDecisionCheck } from './canary_decision.ts';
import { canaryScoreCheck } from './canary_score.ts';
import { championAgeCheck } from './champion_age.ts';
import { cluster } from './cluster.ts';
import { deadLettersCheck } from './dead_letters.ts';
import { dnsCheck } from './dns.ts';
import { httpCheck } from './http.ts';
import { ingress } from './ingress.ts';
import { kedaOperator } from './keda_operator.ts';
import { managedCertificate } from './managed_certificate.ts';
import { metricsCheck } from './metrics.ts';
import { nodes } from './nodes.ts';
import { offersAgeCheck } from './offers_age.ts';
import { pods } from './pods.ts';
import { psiFieldCheck } from './psi_field.ts';
import { rollout } from './rollout.ts';
import { scaleToZero } from './scale_to_zero.ts';
import { scaledObject } from './scaled_object.ts';
import { schedulerCheck } from './scheduler.ts';
import { tlsCheck } from './tls.ts';

const ALL: readonly CheckKind[] = [
  canaryDecisionCheck,
  canaryScoreCheck,
  championAgeCheck,
  cluster,
  deadLettersCheck,
  dnsCheck,
  httpCheck,
  ingress,
  kedaOperator,
  managedCertificate,
  metricsCheck,
  nodes,
  offersAgeCheck,
  pods,
  psiFieldCheck,
  rollout,
  scaleToZero,
  scaledObject,
  schedulerCheck,
  tlsCheck,
];

export const CHECK_KINDS: Readonly<Record<string, CheckKind>> = Object.fromEntries(ALL.map((one) => [one.kind, one]));

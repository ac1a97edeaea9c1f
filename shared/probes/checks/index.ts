/** Every kind of check that a suite may name. */
import type { CheckKind } from '../check.ts';
import { canaryDecisionCheck } from './canary-decision.ts';
import { canaryScoreCheck } from './canary-score.ts';
import { championAgeCheck } from './champion-age.ts';
import { clusterCheck } from './cluster.ts';
import { deadLettersCheck } from './dead-letters.ts';
import { dnsCheck } from './dns.ts';
import { httpCheck } from './http.ts';
import { ingressCheck } from './ingress.ts';
import { kedaOperatorCheck } from './keda-operator.ts';
import { managedCertificateCheck } from './managed-certificate.ts';
import { metricsCheck } from './metrics.ts';
import { nodesCheck } from './nodes.ts';
import { offersAgeCheck } from './offers-age.ts';
import { podsCheck } from './pods.ts';
import { psiFieldCheck } from './psi-field.ts';
import { rolloutCheck } from './rollout.ts';
import { scaleToZeroCheck } from './scale-to-zero.ts';
import { scaledObjectCheck } from './scaled-object.ts';
import { schedulerCheck } from './scheduler.ts';
import { tlsCheck } from './tls.ts';

const ALL: readonly CheckKind[] = [
  canaryDecisionCheck,
  canaryScoreCheck,
  championAgeCheck,
  clusterCheck,
  deadLettersCheck,
  dnsCheck,
  httpCheck,
  ingressCheck,
  kedaOperatorCheck,
  managedCertificateCheck,
  metricsCheck,
  nodesCheck,
  offersAgeCheck,
  podsCheck,
  psiFieldCheck,
  rolloutCheck,
  scaleToZeroCheck,
  scaledObjectCheck,
  schedulerCheck,
  tlsCheck,
];

export const CHECK_KINDS: Readonly<Record<string, CheckKind>> = Object.fromEntries(ALL.map((one) => [one.kind, one]));

import { APPS, JOB_SCALER, KEDA_COOLDOWN_S, KEDA_POLL_S, NAMESPACE, type Scaler } from '../facts.ts';
import type { FaultSwitches } from '../faults/switches.ts';
import { GPU_POD_SPEC } from './jobs.ts';
import { type ClusterObject, type Condition, type Fields, head, seconds } from './object.ts';

/** What KEDA has seen of a scaler's subscription. */
export interface ScalerState {
  readonly active: boolean;
  /** Host epoch milliseconds; null: never. */
  readonly lastActiveMs: number | null;
  /** Since when the subscription has not told its backlog; null: it does. */
  readonly blindMs: number | null;
}

const API = 'keda.sh/v1alpha1';
const PSI = 'psi-field-scaler';

const trigger = (subscription: string, value: number): Fields => ({
  type: 'gcp-pubsub',
  metadata: { mode: 'SubscriptionSize', subscriptionName: subscription, value: String(value) },
  authenticationRef: { name: 'keda-gcp-credentials' },
});

/** Null: there is none. */
export function scaledObject(
  { name, target, subscription, value, max }: Scaler,
  state: ScalerState,
  bornMs: number,
  faults: FaultSwitches,
): ClusterObject | null {
  const psi = name === PSI;
  if (psi && faults.has('scaled_object_missing')) return null;
  const brokenMs = psi ? faults.sinceMs('scaled_object_not_ready') : null;
  const pausedMs = psi ? faults.sinceMs('scaled_object_paused') : null;
  return {
    ...head({
      apiVersion: API,
      kind: 'ScaledObject',
      name,
      namespace: NAMESPACE,
      createdMs: bornMs,
      generation: 1,
      labels: { 'scaledobject.keda.sh/name': name },
      ...(pausedMs === null ? {} : { annotations: { 'autoscaling.keda.sh/paused': 'true' } }),
    }),
    spec: {
      scaleTargetRef: { name: target },
      pollingInterval: KEDA_POLL_S,
      cooldownPeriod: KEDA_COOLDOWN_S,
      minReplicaCount: 0,
      maxReplicaCount: boundOf(name, max, faults),
      triggers: [trigger(subscription, value)],
    },
    status: {
      conditions: conditionsOf(state, bornMs, brokenMs, pausedMs),
      externalMetricNames: [`s0-gcp-ps-${subscription}`],
      health: {
        [`s0-gcp-ps-${subscription}`]:
          state.blindMs === null
            ? { numberOfFailures: 0, status: 'Happy' }
            : { numberOfFailures: 1, status: 'Failing' },
      },
      hpaName: `keda-hpa-${name}`,
      ...(state.lastActiveMs === null ? {} : { lastActiveTime: seconds(state.lastActiveMs) }),
      originalReplicaCount: APPS[target].replicas,
      scaleTargetGVKR: { group: 'apps', kind: 'Deployment', resource: 'deployments', version: 'v1' },
      scaleTargetKind: 'apps/v1.Deployment',
    },
  };
}

export const boundOf = (name: string, max: number, faults: FaultSwitches): number =>
  name === PSI && faults.has('scaled_object_bounds') ? 1 : max;

/** Whether it changes replicas. */
export const scales = (name: string, faults: FaultSwitches): boolean =>
  !faults.has('keda_down') &&
  !(
    name === PSI &&
    (['scaled_object_missing', 'scaled_object_not_ready', 'scaled_object_paused', 'scaler_stuck'] as const).some(
      faults.has,
    )
  );

function conditionsOf(
  state: ScalerState,
  bornMs: number,
  brokenMs: number | null,
  pausedMs: number | null,
): readonly Condition[] {
  const at = (
    type: string,
    status: Condition['status'],
    reason: string,
    message: string,
    sinceMs: number,
  ): Condition => ({
    type,
    status,
    reason,
    message,
    lastTransitionTime: seconds(sinceMs),
  });
  return [
    brokenMs === null
      ? at('Ready', 'True', 'ScaledObjectReady', 'ScaledObject is defined correctly and is ready for scaling', bornMs)
      : at(
          'Ready',
          'False',
          'ScaledObjectCheckFailed',
          'Failed to ensure HPA is correctly created for ScaledObject',
          brokenMs,
        ),
    activeOf(state, bornMs, at),
    at('Fallback', 'False', 'NoFallbackFound', 'No fallbacks are active on this scaled object', bornMs),
    pausedMs === null
      ? at('Paused', 'False', 'ScaledObjectUnpaused', 'pause annotation removed for ScaledObject', bornMs)
      : at('Paused', 'True', 'ScaledObjectPaused', 'ScaledObject is paused', pausedMs),
  ];
}

type At = (type: string, status: Condition['status'], reason: string, message: string, sinceMs: number) => Condition;

function activeOf({ active, lastActiveMs, blindMs }: ScalerState, bornMs: number, at: At): Condition {
  if (blindMs !== null)
    return at('Active', 'Unknown', 'ScalerFailed', 'Failed to get the size of the subscription', blindMs);
  return active
    ? at('Active', 'True', 'ScalerActive', 'Scaling is performed because triggers are active', bornMs)
    : at(
        'Active',
        'False',
        'ScalerNotActive',
        'Scaling is not performed because triggers are not active',
        lastActiveMs ?? bornMs,
      );
}

export function scaledJob(bornMs: number): ClusterObject {
  const { name, subscription, value, max, kept } = JOB_SCALER;
  return {
    ...head({
      apiVersion: API,
      kind: 'ScaledJob',
      name,
      namespace: NAMESPACE,
      createdMs: bornMs,
      generation: 1,
      labels: { 'scaledjob.keda.sh/name': name },
    }),
    spec: {
      jobTargetRef: { backoffLimit: 2, template: { spec: GPU_POD_SPEC } },
      pollingInterval: KEDA_POLL_S,
      minReplicaCount: 0,
      maxReplicaCount: max,
      successfulJobsHistoryLimit: kept,
      failedJobsHistoryLimit: kept,
      triggers: [trigger(subscription, value)],
    },
    status: {
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'ScaledJobReady',
          message: 'ScaledJob is defined correctly and is ready to scaling',
          lastTransitionTime: seconds(bornMs),
        },
      ],
    },
  };
}

/** Every way in which the simulated cluster can be unwell: one table, for those who switch them and for those who judge what is seen. */

export type FaultClass =
  | 'psi-field'
  | 'scheduler'
  | 'router'
  | 'analytics'
  | 'ingress'
  | 'certificate'
  | 'tls'
  | 'pods'
  | 'nodes'
  | 'rollout'
  | 'keda'
  | 'metrics'
  | 'api'
  | 'observability'
  /** Nothing is wrong, though it may look so: whoever reports one of these is mistaken. */
  | 'harmless';

export interface FaultFact {
  readonly class: FaultClass;
  readonly does: string;
}

const psi = (does: string): FaultFact => ({ class: 'psi-field', does });
const scheduler = (does: string): FaultFact => ({ class: 'scheduler', does });
const router = (does: string): FaultFact => ({ class: 'router', does });
const ingress = (does: string): FaultFact => ({ class: 'ingress', does });
const certificate = (does: string): FaultFact => ({ class: 'certificate', does });
const tls = (does: string): FaultFact => ({ class: 'tls', does });
const pods = (does: string): FaultFact => ({ class: 'pods', does });
const nodes = (does: string): FaultFact => ({ class: 'nodes', does });
const rollout = (does: string): FaultFact => ({ class: 'rollout', does });
const keda = (does: string): FaultFact => ({ class: 'keda', does });
const metrics = (does: string): FaultFact => ({ class: 'metrics', does });
const api = (does: string): FaultFact => ({ class: 'api', does });
const harmless = (does: string): FaultFact => ({ class: 'harmless', does });

/**
 * What a fault `does` is all that changes, with what follows from it inside of Kubernetes: a pod that is not ready is missing among the
 * available ones of its deployment, and a service of which no pod is ready answers nothing.
 */
export const FAULTS = {
  psi_import_failed: psi('psi-field says healthy with import_success false'),
  psi_not_initialized: psi('psi-field says healthy with engine_initialized false'),
  psi_frozen: psi('k and the field stand still; /health is well'),
  psi_prediction_error_high: psi('PE is about 2.1, in /state and in the gauge'),
  psi_down: psi('psi-field cuts every connection; its pod says that it is ready'),
  psi_not_json: psi('/health and /state answer 200 with a page of HTML'),
  flapping: psi('psi-field answers one call in five with 503, by the seed'),

  scheduler_degraded: scheduler('/health is 503, one namespace backs off, its anchors fail'),
  scheduler_anchors_frozen: scheduler('no anchor is made any more, while /health says ok and ticks go on'),
  scheduler_down: scheduler('the scheduler cuts every connection; its pod says that it is ready'),

  router_down: router('aurora-router cuts every connection; its pods say that they are ready'),
  router_slow: router('aurora-router answers late'),

  analytics_slow: { class: 'analytics', does: 'the page comes late' },

  ingress_wrong_backend: ingress('the host aurora. leads to the scheduler'),
  ingress_no_address: ingress('the ingress has no address in its status; what had found it still gets through'),

  certificate_provisioning: certificate('the managed certificate and all its domains are Provisioning'),
  certificate_domain_failed: certificate('one domain of the managed certificate is FailedNotVisible'),

  tls_expired: tls('the ingress serves a certificate that ended yesterday'),
  tls_expiring: tls('the ingress serves a certificate with five days left'),
  tls_wrong_host: tls('the ingress serves a certificate of another name'),
  tls_self_signed: tls('the ingress serves a certificate that signs itself'),
  tls_revoked: tls('the ingress serves a certificate that its authority has revoked'),
  tls_chain_incomplete: tls('the ingress leaves out the intermediate certificate'),

  pod_crash_loop: pods('one of two routers is in CrashLoopBackOff, restarted 17 times'),
  pod_pending: pods('one of two routers is Pending: no node has room'),
  pod_not_ready: pods('one of two routers runs and is not ready'),
  pod_missing: pods('there is no pod of aurora-router: a quota forbids them, so nothing answers there either'),
  pod_image_pull: pods('one of two routers is in ImagePullBackOff'),
  pod_restarting: pods('one of two routers is ready again, restarted 42 times, a minute ago for the last time'),

  node_not_ready: nodes('the GPU node has not reported: Ready is Unknown'),
  node_pressure: nodes('the GPU node is Ready and under DiskPressure'),

  rollout_stuck: rollout('a new version of aurora-router makes no progress; the old one is there whole'),
  rollout_unavailable: rollout('aurora-router is to have three pods and has two: a quota forbids the third'),
  rollout_unobserved: rollout('the newest spec of aurora-router has not been looked at by its controller'),

  keda_down: keda('the operator of KEDA is in CrashLoopBackOff: nothing is scaled, its lease is not renewed'),
  scaled_object_not_ready: keda('psi-field-scaler is not Ready, and scales nothing'),
  scaled_object_bounds: keda('psi-field-scaler goes to one replica at most'),
  scaled_object_missing: keda('there is no psi-field-scaler, and nothing scales psi-field'),
  scaled_object_paused: keda('psi-field-scaler is paused by its annotation'),
  no_work: keda(
    'nobody publishes jobs, so psi-field and the scheduler fall asleep after the cooldown, and answer nobody',
  ),
  scaler_stuck: keda('psi-field-scaler says that all is well, and replicas never change'),

  metrics_missing_series: metrics('/metrics of the scheduler has no vmsh_anchors_ series'),
  metrics_frozen: metrics('/metrics of the scheduler stands still; its /health goes on'),
  metrics_garbage: metrics('/metrics of the scheduler is no exposition'),
  metrics_down: metrics('/metrics of the scheduler answers 500'),
  slow_endpoint: metrics('/metrics of the scheduler comes late'),

  api_unauthorized: api('the API refuses the token: 401'),
  api_forbidden: api('the API refuses to read anything: 403; /version and /readyz are well'),
  api_down: api('the API cuts every connection'),
  api_slow: api('the API answers late'),
  api_continue_expired: api('pages are of two objects, and the token for the next is always too old: 410'),

  loki_down: { class: 'observability', does: 'Loki cuts every connection' },
  loki_not_ready: { class: 'observability', does: 'Loki is not ready: 503' },
  tempo_down: { class: 'observability', does: 'Tempo cuts every connection' },

  small_pages: harmless('the API gives pages of two objects, whatever the limit'),
  completed_job_pod: harmless('a pod of a finished job is still listed: Succeeded, so not ready'),
  old_restarts: harmless('a router was restarted twice, weeks ago'),
} as const satisfies Readonly<Record<string, FaultFact>>;
export type FaultName = keyof typeof FAULTS;
export const FAULT_NAMES = Object.keys(FAULTS) as readonly FaultName[];

/**
 * The one catalogue of errors. Every failure that leaves a door carries a stable `code` from here; docs/errors.md is held
 * equal to it by test/architecture/errors.test.ts. `kind` says whether a retry can help, and nothing else decides that:
 * rejected = the same input will never work (4xx, quarantine + ack); transient = try again later (503, nack).
 */
export const ERROR_CATALOGUE = {
  // Doors: what came in could not be read.
  body_empty: { kind: 'rejected', status: 400, remedy: 'Send a body; for Pub/Sub, a message with data.' },
  body_too_large: {
    kind: 'rejected',
    status: 413,
    remedy: 'Send less: HTTP doors take 256 KiB, the envelope door 512 KiB.',
  },
  body_not_json: { kind: 'rejected', status: 400, remedy: 'Send one JSON value in UTF-8.' },
  body_invalid: { kind: 'rejected', status: 400, remedy: 'Correct the field named in the message.' },
  envelope_invalid: {
    kind: 'rejected',
    status: 400,
    remedy: 'Send a Pub/Sub push body or a CloudEvent with message data.',
  },
  event_invalid: { kind: 'rejected', status: 400, remedy: 'Correct the event, then replay it: vm rejected replay.' },
  event_type_unknown: {
    kind: 'rejected',
    status: 400,
    remedy: 'Publish a known event_type of a supported schema_version.',
  },
  event_too_large: { kind: 'rejected', status: 413, remedy: 'Keep the data of one event within 128 KiB.' },
  not_found: { kind: 'rejected', status: 404, remedy: 'Check the path or the id.' },
  method_not_allowed: { kind: 'rejected', status: 405, remedy: 'Use the method named in the Allow header.' },
  request_malformed: { kind: 'rejected', status: 400, remedy: 'Send a well-formed HTTP/1.1 request.' },
  headers_too_large: { kind: 'rejected', status: 431, remedy: 'Send less than 16 KiB of headers.' },
  request_timeout: { kind: 'transient', status: 408, remedy: 'Send the whole request without pausing, or try again.' },
  unauthorized: {
    kind: 'rejected',
    status: 401,
    remedy:
      'Send the token of the running stack; to route, the API key of a tenant; in the cloud, an ID token made out for this service.',
  },
  forbidden: {
    kind: 'rejected',
    status: 403,
    remedy:
      'Call as one of the service accounts that AURORA_CALLERS, or a tenant of AURORA_TENANTS, names; ask for no other tenant.',
  },
  // Doors: what came in is fine, but not now.
  overloaded: {
    kind: 'transient',
    status: 503,
    remedy: 'Retry after the Retry-After seconds; the queue is at its limit.',
  },
  draining: { kind: 'transient', status: 503, remedy: 'Retry: this instance is shutting down.' },
  deadline_exceeded: {
    kind: 'transient',
    status: 503,
    remedy: 'Retry; if it persists, look at the dependency named in the message.',
  },
  upstream_unavailable: {
    kind: 'transient',
    status: 503,
    remedy: 'Retry; check the service named in the message.',
  },
  internal: { kind: 'transient', status: 500, remedy: 'Look up the request id in the log.' },
  // Routing.
  no_eligible_offer: {
    kind: 'rejected',
    status: 503,
    remedy: 'Loosen the limit named under excluded, or retry when offers change.',
  },
  offers_unavailable: { kind: 'transient', status: 503, remedy: 'Wait for collect to write offers/current.json.' },
  scores_unavailable: { kind: 'transient', status: 503, remedy: 'None needed: route falls back to the rules.' },
  decision_unknown: {
    kind: 'rejected',
    status: 404,
    remedy:
      'Check the id and --dir. What was decided is on record a second later, and stays as long as vm up --keep-days says.',
  },
  request_conflict: { kind: 'rejected', status: 409, remedy: 'Use a new request_id for a different request.' },
  // Providers.
  offer_gone: { kind: 'rejected', status: 409, remedy: 'None needed: deploy goes on to the next offer.' },
  provider_unavailable: { kind: 'transient', status: 503, remedy: 'None needed: the deployment is retried.' },
  provider_unknown: { kind: 'rejected', status: 404, remedy: 'Configure an adapter for this provider.' },
  provider_rate_limited: {
    kind: 'transient',
    status: 503,
    remedy: 'None needed: the call is made again when its turn comes. One API key belongs to one installation.',
  },
  provider_answer_invalid: {
    kind: 'transient',
    status: 503,
    remedy: 'Retry; if it persists, the provider has changed its API: compare the field named in the message.',
  },
  offers_unreadable: {
    kind: 'transient',
    status: 503,
    remedy: 'None needed: the last offers stay. If it persists, the provider has changed its API.',
  },
  provider_unauthorized: {
    kind: 'rejected',
    status: 502,
    remedy: 'Correct AURORA_PROVIDER_<NAME>_KEY, and the clock of this machine where calls are signed.',
  },
  provider_funds: { kind: 'rejected', status: 502, remedy: 'Top up the account at the provider.' },
  provider_refused: {
    kind: 'rejected',
    status: 502,
    remedy: 'Compare what was sent with the reason that the provider gives in the message.',
  },
  logs_unavailable: {
    kind: 'rejected',
    status: 404,
    remedy: 'Wait until it runs; ended deployments keep no logs here.',
  },
  deployment_unknown: {
    kind: 'rejected',
    status: 404,
    remedy: 'Check the id; a deployment is remembered for six hours after its end.',
  },
  budget_exceeded: {
    kind: 'rejected',
    status: 402,
    remedy: 'Ask for less, wait for the next UTC day, or have the limit of the tenant raised (AURORA_TENANTS).',
  },
  // Ports.
  bus_unavailable: { kind: 'transient', status: 503, remedy: 'Retry; check the bus and its disk.' },
  bus_full: { kind: 'transient', status: 503, remedy: 'Let subscribers catch up, or raise the backlog limit.' },
  topic_unknown: {
    kind: 'rejected',
    status: 400,
    remedy: 'Create the topic in the infrastructure; it is never created at run time.',
  },
  warehouse_unavailable: { kind: 'transient', status: 503, remedy: 'Retry; check the warehouse and its disk.' },
  warehouse_locked: {
    kind: 'rejected',
    status: 409,
    remedy: 'Another process holds this state directory; stop it, or pass another --dir.',
  },
  warehouse_corrupt: {
    kind: 'rejected',
    status: 500,
    remedy: 'Restore the file named in the message from a backup, or start anew: vm reset.',
  },
  warehouse_incompatible: {
    kind: 'rejected',
    status: 409,
    remedy: 'Start the build that wrote this state directory, or a newer one.',
  },
  row_invalid: { kind: 'rejected', status: 400, remedy: 'Correct the column named in the message.' },
  query_invalid: { kind: 'rejected', status: 400, remedy: 'Correct the parameter named in the message.' },
  object_precondition_failed: { kind: 'rejected', status: 412, remedy: 'Read the object again and decide anew.' },
  object_name_invalid: {
    kind: 'rejected',
    status: 400,
    remedy: 'Use a relative name of 1 to 1024 bytes without "." or ".." segments.',
  },
  objects_unavailable: { kind: 'transient', status: 503, remedy: 'Retry; check the object store and its disk.' },
  object_damaged: {
    kind: 'rejected',
    status: 500,
    remedy: 'Restore the object named in the message from a backup, or write it anew; waiting does not heal it.',
  },
  state_entry_invalid: {
    kind: 'rejected',
    status: 400,
    remedy: 'Use a key of 1 to 1024 bytes and a value that JSON can carry (no undefined, no NaN).',
  },
  state_conflict: { kind: 'rejected', status: 409, remedy: 'Read the entry again and decide anew.' },
  state_unavailable: { kind: 'transient', status: 503, remedy: 'Retry; check the state store and its disk.' },
  store_corrupt: {
    kind: 'rejected',
    status: 500,
    remedy: 'Restore the state directory from a backup (vm backup makes one), or start anew: vm reset.',
  },
  // Control.
  control_invalid: {
    kind: 'rejected',
    status: 422,
    remedy:
      'Say anew what holds, which writes it whole: vm control stage STAGE. Until then the last valid control holds.',
  },
  incidents_full: {
    kind: 'rejected',
    status: 409,
    remedy: 'End one that is over: vm control incident end ID (vm control show lists them).',
  },
  // Learning.
  artefact_corrupt: {
    kind: 'rejected',
    status: 422,
    remedy: 'Train again; the version named in the message is never served.',
  },
  artefact_incompatible: {
    kind: 'rejected',
    status: 422,
    remedy: 'Train a version with this build: its feature set differs.',
  },
  version_unknown: { kind: 'rejected', status: 404, remedy: 'List the versions: vm models list.' },
  reason_required: { kind: 'rejected', status: 400, remedy: 'Say why: --reason "...".' },
  lease_held: { kind: 'transient', status: 503, remedy: 'Wait: another instance trains this version.' },
  not_enough_data: { kind: 'rejected', status: 422, remedy: 'Let more decisions mature, then train again.' },
  record_changed: {
    kind: 'rejected',
    status: 409,
    remedy:
      'Ask a backup that still has the rows: vm models reproduce VERSION --dir BACKUP; or train a version on the present ones: vm train.',
  },
  backend_unavailable: {
    kind: 'rejected',
    status: 409,
    remedy: 'Use a machine that has the backend named in the message; npm ci brings tensorflow to most.',
  },
  promotion_refused: {
    kind: 'rejected',
    status: 409,
    remedy: 'Let more evidence come in, or force it: vm models promote VERSION --force --reason "...".',
  },
  // Probes.
  suite_invalid: {
    kind: 'rejected',
    status: 400,
    remedy:
      'Correct the place named in the message, or say what it leaves open (vm smoke --set name=value, variables of AURORA_PROBE); docs/operations/SMOKE.md shows what a suite holds.',
  },
  suite_unknown: {
    kind: 'rejected',
    status: 404,
    remedy: 'Name a suite that the function probe has: AURORA_PROBE says which.',
  },
  cluster_unreachable: {
    kind: 'transient',
    status: 503,
    remedy: 'Check the endpoint of the cluster and the network on the way; kubectl version asks the same.',
  },
  cluster_unauthorized: {
    kind: 'rejected',
    status: 401,
    remedy: 'Log in anew: the cluster does not take this token (gcloud auth login, or the account of the function).',
  },
  cluster_forbidden: {
    kind: 'rejected',
    status: 403,
    remedy:
      'Apply terraform/kubernetes/probe: it lets the account read what the checks look at. By its DNS name a cluster also asks for container.clusters.connect (terraform/aurora/probe.tf).',
  },
  loop_unreachable: {
    kind: 'transient',
    status: 503,
    remedy:
      'Probe the loop where it is within reach: beside a running stack (--dir), with AURORA_PLATFORM=gcp, or as its probe function; elsewhere leave these checks out.',
  },
  identity_missing: {
    kind: 'rejected',
    status: 401,
    remedy:
      'Look as an account that has ID tokens: as the function probe in the cloud (AURORA_AUDIENCE and AURORA_CALLERS are set), or by hand with AURORA_PLATFORM=gcp, logged in as one; elsewhere leave out what asks who calls.',
  },
  // Composition and command line.
  config_invalid: { kind: 'rejected', status: 400, remedy: 'Correct the variable or flag named in the message.' },
  port_unavailable: {
    kind: 'rejected',
    status: 409,
    remedy: 'Stop what listens there, or pass another --port (PORT for a single function).',
  },
  no_state: {
    kind: 'rejected',
    status: 404,
    remedy: 'Check --dir and AURORA_DIR, or begin there with vm up or vm replay.',
  },
  usage: { kind: 'rejected', status: 400, remedy: 'See vm --help.' },
  file_unreadable: {
    kind: 'rejected',
    status: 400,
    remedy: 'Check the path and its permissions; give a file that can be read, no directory.',
  },
  file_invalid: {
    kind: 'rejected',
    status: 400,
    remedy: 'Correct the field named in the message; nothing went in. vm replay --help shows the form.',
  },
  csv_invalid: {
    kind: 'rejected',
    status: 400,
    remedy: 'Correct the line or header named in the message; nothing of this file went in.',
  },
  log_invalid: {
    kind: 'rejected',
    status: 400,
    remedy: 'Give each line a reward, a propensity and a target_probability: vm ope --help.',
  },
  stack_unreachable: {
    kind: 'transient',
    status: 503,
    remedy: 'The stack that holds this directory does not answer; stop it or wait.',
  },
  // Deployment.
  gcloud_unavailable: {
    kind: 'rejected',
    status: 409,
    remedy: 'Install the Google Cloud CLI (https://cloud.google.com/sdk/docs/install), then: gcloud auth login.',
  },
  gcloud_failed: {
    kind: 'transient',
    status: 503,
    remedy: 'Do what gcloud says in the message, then run the same command again: it goes on from where it stands.',
  },
  deployment_refused: {
    kind: 'rejected',
    status: 409,
    remedy: 'Correct what the message names; services and job are made by terraform apply, images by the build.',
  },
  smoke_failed: {
    kind: 'rejected',
    status: 422,
    remedy: 'Look up the revision in the log by its name; it got no traffic, or has none any more.',
  },
  canary_failed: {
    kind: 'rejected',
    status: 422,
    remedy: 'Compare both revisions in the request log; what served before has the traffic again.',
  },
  disk_full: { kind: 'transient', status: 503, remedy: 'Free disk space; nothing that was acknowledged is lost.' },
} as const satisfies Record<string, { kind: 'rejected' | 'transient'; status: number; remedy: string }>;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;
type CodeOf<K extends 'rejected' | 'transient'> = {
  [C in ErrorCode]: (typeof ERROR_CATALOGUE)[C]['kind'] extends K ? C : never;
}[ErrorCode];

interface ErrorExtras {
  cause?: unknown;
  /** Machine-readable facts that may leave the door. Never a secret. */
  details?: Readonly<Record<string, unknown>>;
}

/** Base of all coded errors. `message` quotes what was expected and what came; it may be shown to the caller. */
export abstract class AuroraError extends Error {
  abstract readonly retryable: boolean;
  readonly code: ErrorCode;
  readonly status: number;
  readonly remedy: string;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, message: string, extras: ErrorExtras = {}) {
    super(message, extras.cause === undefined ? undefined : { cause: extras.cause });
    this.name = new.target.name;
    this.code = code;
    this.status = ERROR_CATALOGUE[code].status;
    this.remedy = ERROR_CATALOGUE[code].remedy;
    this.details = extras.details;
  }
}

/** Will never work as it stands: 4xx at an HTTP door, quarantine and ack at an event door. */
export class RejectedError extends AuroraError {
  readonly retryable = false;
  constructor(code: CodeOf<'rejected'>, message: string, extras?: ErrorExtras) {
    super(code, message, extras);
  }
}

/** May work later: 503 at either door, so that the bus delivers again. */
export class TransientError extends AuroraError {
  readonly retryable = true;
  constructor(code: CodeOf<'transient'>, message: string, extras?: ErrorExtras) {
    super(code, message, extras);
  }
}

/** The JSON body of every failed answer. */
export interface ErrorBody {
  error: { code: ErrorCode; message: string; remedy: string; details?: Readonly<Record<string, unknown>> };
}

export function errorBody(error: AuroraError): ErrorBody {
  const { code, message, remedy, details } = error;
  return { error: details === undefined ? { code, message, remedy } : { code, message, remedy, details } };
}

/** What checks look with. Each answers by its deadline, whatever is at the other end, and says what it saw. */
import type { DeadLetterCount } from '#shared/ports/bus.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { CheckContext, Reach, Targets } from './targets.ts';

export interface ProbeTools {
  readonly hostClock: HostClock;
  /** Monotonic milliseconds. */
  readonly stopwatchMs: () => number;
  /** Follows no redirect: one is an answer. @throws AuroraError: there is no ID token to show */
  readonly http: (request: HttpProbe, context: CheckContext) => Promise<HttpSeen>;
  /** What stands behind an address, trusted or not. */
  readonly tls: (request: TlsProbe, context: CheckContext) => Promise<TlsSeen>;
  readonly dns: (host: string, context: CheckContext) => Promise<DnsSeen>;
  /** Lists are read once a run, whoever asks. */
  readonly kubernetes: (target: Targets['kubernetes']) => KubernetesReader;
  /** Null: no loop is within reach. */
  readonly loop: LoopReader | null;
  /** Puts a job on a topic that a service works off. Null: nobody may do so here. @throws AuroraError: it is not taken */
  readonly publishJob: ((topic: string, job: Job, context: CheckContext) => Promise<void>) | null;
}

/** Of others' services, so in their words, and no event of ours. */
export type Job = Readonly<Record<string, unknown>>;

export interface HttpProbe {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /** Of the answer. */
  readonly maxBytes: number;
  readonly reach: Reach;
  /** Certificates in PEM that are trusted beside the system's. */
  readonly authorities?: readonly string[];
  /** Shows an ID token made out for the origin of the URL. It is in nothing that is seen. */
  readonly idToken?: boolean;
}

/** dns: there is no such name. resolver: nobody could be asked for it, no_route: nothing leads out of this machine; neither says anything of the target. */
export type NotAnswered =
  | 'refused'
  | 'timeout'
  | 'tls'
  | 'dns'
  | 'resolver'
  | 'no_route'
  | 'reset'
  | 'forbidden_address'
  | 'too_large'
  | 'other';

export type HttpSeen =
  | {
      readonly answered: true;
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
      readonly ms: number;
    }
  | { readonly answered: false; readonly reason: NotAnswered; readonly detail: string; readonly ms: number };

export interface TlsProbe {
  readonly host: string;
  readonly port: number;
  /** Name that is asked for and must be in the certificate. */
  readonly serverName: string;
  /** Certificates in PEM that are trusted beside the system's. */
  readonly authorities: readonly string[];
  /** Lists of revoked certificates, PEM. */
  readonly revoked: readonly string[];
  readonly reach: Reach;
}

export interface CertificateSeen {
  readonly subject: string;
  readonly issuer: string;
  /** Host epoch milliseconds. */
  readonly validFromMs: number;
  readonly validToMs: number;
  readonly fingerprint: string;
}

export type TlsSeen =
  | {
      readonly connected: true;
      /** Null: trusted, and for that name. Else the code of the first fault, such as CERT_HAS_EXPIRED. */
      readonly fault: string | null;
      /** Leaf first. */
      readonly chain: readonly CertificateSeen[];
      readonly protocol: string;
      readonly ms: number;
    }
  | { readonly connected: false; readonly reason: NotAnswered; readonly detail: string; readonly ms: number };

export type DnsSeen =
  | { readonly found: true; readonly addresses: readonly string[]; readonly ms: number }
  | { readonly found: false; readonly code: string; readonly ms: number };

/** An object of the cluster, as its API has it. */
export type KubernetesObject = Readonly<Record<string, unknown>>;

export interface KubernetesReader {
  /** @throws TransientError cluster_unreachable; RejectedError cluster_unauthorized, cluster_forbidden */
  get(path: string, context: CheckContext): Promise<{ readonly status: number; readonly body: unknown }>;
  /** All pages. Read once a run, whoever asks, unless the context asks for a fresh one. @throws as `get`; RejectedError not_found: no such resource */
  list(path: string, context: CheckContext): Promise<readonly KubernetesObject[]>;
}

/** Of the loop itself; each throws a coded error where its store cannot be read. */
export interface LoopReader {
  /** Publishes a synthetic decision. */
  publishCanary(id: string, context: CheckContext): Promise<void>;
  /** Whether the warehouse has it. */
  hasCanary(id: string, context: CheckContext): Promise<boolean>;
  newCanaryId(): string;
  deadLetters(context: CheckContext): Promise<DeadLetterCount>;
  /** World milliseconds since it was written; null: there is none. */
  championAgeMs(context: CheckContext): Promise<number | null>;
  offersAgeMs(context: CheckContext): Promise<number | null>;
}

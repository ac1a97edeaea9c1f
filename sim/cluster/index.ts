/**
 * The cluster that is probed, on this machine: its API server, its services, the ingress before them, KEDA, certificates of every kind, and
 * faults to switch while it runs. Everything listens on loopback.
 */
import type { HostClock } from '#shared/ports/clock.ts';
import { startApi } from './api.ts';
import { type AppName, CLUSTER_NAME, GPU_WORKER, HOSTS, JOB_SCALER, NAMESPACE, SCALERS } from './facts.ts';
import { createSwitches, type FaultSwitches } from './faults/switches.ts';
import { type Backlog, startKeda } from './keda.ts';
import { createServices, SERVICE_NAMES, type ServiceName } from './services/index.ts';
import { startIngress } from './services/ingress.ts';
import { isService, JOBS_PATH, type ReplyAlteration, seen } from './services/seen.ts';
import { type RunningService, startService } from './services/service.ts';
import { createWorker, gpuPlaces, podPlaces, type Worker } from './services/worker.ts';
import { type Alteration, createClusterState } from './state.ts';
import { startTestDoor } from './test-door.ts';
import { startTlsEndpoints } from './tls/endpoints.ts';
import { createAuthority, TLS_NAMES, type TlsName } from './tls/identities.ts';
import type { Identity } from './tls/pair.ts';

export type DoorName = ServiceName | 'api' | 'api_tls' | 'faults' | 'ingress' | 'ingress_tls';

export interface ClusterOptions {
  readonly hostClock: HostClock;
  readonly seed: number;
  /** Port of a server; 0: any. */
  readonly portOf?: (door: DoorName) => number;
  /** Messages that wait in a subscription. Default: one for psi-field and one for the scheduler, so that one replica of each stays, unless there is `no_work`. */
  readonly backlog?: Backlog;
  /** How much faster than in the real cluster KEDA polls and cools down, pods start and jobs are done. Default 1. */
  readonly speed?: number;
  /** Services that answer elsewhere, at that origin: they are not started here, and the ingress, which leads there, shows when they are to be down or slow. */
  readonly elsewhere?: Partial<Readonly<Record<ServiceName, string>>>;
  /** Host milliseconds that slow answers take; a page takes twice that. Default: half as much again as an endpoint may. */
  readonly slowMs?: number;
}

export interface RunningCluster {
  /** In clear. */
  readonly apiUrl: string;
  /** Over TLS, by `caPem`: kubectl sends its token nowhere else. */
  readonly apiTlsUrl: string;
  /** For kubectl. */
  readonly kubeconfig: string;
  /** Bearer token of the API. */
  readonly token: string;
  readonly urls: Readonly<Record<ServiceName, string>>;
  /** Where a bus pushes jobs to, by who works them off. */
  readonly workers: Readonly<Record<string, string>>;
  /** Routes by `host`, in clear; the names are those of `HOSTS`. */
  readonly ingressUrl: string;
  /** The same over TLS. */
  readonly ingressTlsPort: number;
  /** Ports of servers that only show a certificate, each of its kind whatever the faults. */
  readonly tls: Readonly<Record<TlsName, number>>;
  readonly caPem: string;
  readonly crlPems: readonly string[];
  readonly faults: FaultSwitches;
  /** Where other processes switch them: `PUT /_fake/faults`. */
  readonly faultsUrl: string;
  /** Changes objects on their way to the API, for faults that are in no table; null: no longer. */
  alterObjects(alteration: Alteration | null): void;
  /** The same for what a service answers; null: the connection is cut. */
  alterReplies(alteration: ReplyAlteration | null): void;
  /** Pods of an app, ready or not. */
  replicas(app: AppName): number;
  close(): Promise<void>;
}

/** It opens nothing but this, which listens on loopback. */
const TOKEN = 'simulated-cluster-token';
const SLOW_MS = 1_500;
const DAY_MS = 86_400_000;
const ONE_EACH: Backlog = (subscription) => (subscription === JOB_SCALER.subscription ? 0 : 1);

/** @throws RejectedError port_unavailable; then nothing runs */
export async function startCluster(options: ClusterOptions): Promise<RunningCluster> {
  const {
    hostClock,
    seed,
    portOf = () => 0,
    backlog = (subscription) => (faults.has('no_work') ? 0 : ONE_EACH(subscription)),
    speed = 1,
    elsewhere = {},
    slowMs = SLOW_MS,
  } = options;
  const faults = createSwitches(hostClock);
  const state = createClusterState({ hostClock, seed, speed, faults });
  const authority = createAuthority([...Object.keys(HOSTS), 'localhost', '127.0.0.1'], hostClock.now());
  let identities = authority.identitiesAt(hostClock.now());
  let alterReply: ReplyAlteration | null = null;

  const closers: (() => unknown)[] = [() => state.close()];
  const close = async (): Promise<void> => {
    await Promise.all(closers.map((one) => one()));
  };
  const started = async <T extends { close(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
    const running = await starting;
    closers.push(() => running.close());
    return running;
  };

  try {
    const services = createServices({ hostClock, seed, faults, slowMs });
    const workerOf = (places: Parameters<typeof createWorker>[0]['places']): Worker => {
      const worker = createWorker({ hostClock, places });
      closers.push(worker.close);
      return worker;
    };
    const workers: Record<string, string> = {};
    const urls = { ...elsewhere } as Record<ServiceName, string>;
    for (const name of SERVICE_NAMES.filter((one) => elsewhere[one] === undefined)) {
      const target = SCALERS.find((scaler) => scaler.target === name)?.target;
      const worker = target === undefined ? null : workerOf(() => podPlaces(state.ready(target), speed));
      const service = seen(name, services[name], state, { alteration: () => alterReply, worker });
      const { url } = await started(startService(service, hostClock, portOf(name)));
      urls[name] = url;
      if (worker !== null) workers[name] = `${url}${JOBS_PATH}`;
    }
    const gpu = workerOf(() => gpuPlaces(state.runningJobs(), hostClock.now()));
    const gpuWorker = { answer: gpu.take, delayMs: () => 0 };
    workers[GPU_WORKER.name] = `${(await started(startService(gpuWorker, hostClock, 0))).url}${JOBS_PATH}`;
    const api = await started(
      startApi({
        state,
        faults,
        hostClock,
        token: TOKEN,
        port: portOf('api'),
        tlsPort: portOf('api_tls'),
        identity: authority.longLived,
        slowMs,
      }),
    );
    const door: RunningService = await started(startTestDoor(faults, portOf('faults')));
    const shown = (): Identity => identities[tlsNameOf(faults)];
    const ingress = await started(
      startIngress({
        hostClock,
        faults,
        backend(app, path) {
          if (!isService(app)) return { url: null, isDown: false, delayMs: 0 };
          const away = elsewhere[app] !== undefined;
          return {
            url: state.ready(app) > 0 ? urls[app] : null,
            isDown: away && services[app].isDown(),
            delayMs: away ? services[app].delayMs(path) : 0,
          };
        },
        identity: shown(),
        httpPort: portOf('ingress'),
        httpsPort: portOf('ingress_tls'),
      }),
    );
    const endpoints = await started(startTlsEndpoints(identities));
    faults.onChange(() => ingress.become(shown()));
    closers.push(
      every(hostClock, DAY_MS, () => {
        identities = authority.identitiesAt(hostClock.now());
        ingress.become(shown());
        endpoints.renew(identities);
      }),
    );
    closers.push(startKeda({ hostClock, state, faults, backlog, speed }));

    return {
      apiUrl: api.url,
      apiTlsUrl: api.tlsUrl,
      kubeconfig: kubeconfigOf(api.tlsUrl, authority.caPem),
      token: TOKEN,
      urls,
      workers,
      ingressUrl: ingress.url,
      ingressTlsPort: ingress.tlsPort,
      tls: endpoints.ports,
      caPem: authority.caPem,
      crlPems: authority.crlPems,
      faults,
      faultsUrl: door.url,
      alterObjects: state.alter,
      alterReplies(alteration) {
        alterReply = alteration;
      },
      replicas: state.replicas,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What the ingress is in TLS: of several faults the first of the names. */
const tlsNameOf = (faults: FaultSwitches): TlsName =>
  TLS_NAMES.find((name) => name !== 'valid' && faults.has(`tls_${name}`)) ?? 'valid';

/** JSON, which is YAML as well. */
const kubeconfigOf = (server: string, caPem: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: CLUSTER_NAME,
        cluster: { server, 'certificate-authority-data': Buffer.from(caPem).toString('base64') },
      },
    ],
    users: [{ name: 'probe', user: { token: TOKEN } }],
    contexts: [{ name: CLUSTER_NAME, context: { cluster: CLUSTER_NAME, user: 'probe', namespace: NAMESPACE } }],
    'current-context': CLUSTER_NAME,
  });

/** @returns what ends it */
function every(hostClock: HostClock, ms: number, run: () => void): () => void {
  let cancel = hostClock.after(ms, again);
  function again(): void {
    run();
    cancel = hostClock.after(ms, again);
  }
  return () => cancel();
}

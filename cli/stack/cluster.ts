/** The simulated cluster beside the loop: its router is the one that runs here. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostClock } from '#shared/ports/clock.ts';
import type { ClusterAccess } from '#shared/probes/kubernetes/access.ts';
import { failAfter } from '#shared/runtime/closing.ts';
import { type DoorName, startCluster } from '#sim/cluster/index.ts';
import { clusterPortOf } from './ports.ts';
import type { Nearby } from './probes.ts';

/** KEDA polls each 1.5 s and cools down in 15: whoever looks sees a service wake and fall asleep within a minute. */
const SPEED = 20;

/** Where it answers, for people. */
export interface ClusterDoors {
  readonly apiTlsUrl: string;
  readonly ingressUrl: string;
  readonly faultsUrl: string;
  /** Path of a file for kubectl. */
  readonly kubeconfig: string;
}

export interface LocalCluster {
  readonly doors: ClusterDoors;
  readonly nearby: Nearby;
  /** Whether somebody wants that nobody publishes jobs. */
  hasNoWork(): boolean;
}

/** @param routeUrl where the router of the cluster answers */
export async function startLocalCluster(options: {
  readonly hostClock: HostClock;
  readonly seed: number;
  readonly port: number;
  readonly routeUrl: string;
  /** What waits on the bus, in flight included. */
  readonly backlog: (subscription: string) => Promise<number | null>;
  /** Of the stack; the kubeconfig lies there. */
  readonly directory: string;
  /** Of what scales there. */
  readonly speed?: number;
}): Promise<LocalCluster> {
  const { hostClock, seed, port, routeUrl, backlog, directory, speed = SPEED } = options;
  const running = await startCluster({
    hostClock,
    seed,
    speed,
    backlog,
    portOf: (door: DoorName) => clusterPortOf(port, door),
    elsewhere: { 'aurora-router': routeUrl },
  });
  const { urls, ingressUrl, ingressTlsPort, caPem, token, apiUrl } = running;
  const lists = Object.fromEntries(running.crlPems.map((pem, index) => [`crl_${index}`, pem]));
  const access: ClusterAccess = {
    server: apiUrl,
    caPem: null,
    token: async () => token,
    client: null,
    serverName: null,
    verified: true,
  };
  const kubeconfig = join(directory, 'kubeconfig');
  await writeFile(kubeconfig, running.kubeconfig, { mode: 0o600 }).catch((error: unknown) =>
    failAfter(error, [running.close]),
  );
  return {
    doors: { apiTlsUrl: running.apiTlsUrl, ingressUrl, faultsUrl: running.faultsUrl, kubeconfig },
    hasNoWork: () => running.faults.has('no_work'),
    nearby: {
      cluster: access,
      workers: running.workers,
      close: running.close,
      authorities: [caPem],
      variables: { ...urls, ingress: ingressUrl, ingress_tls_port: String(ingressTlsPort), ...lists },
    },
  };
}

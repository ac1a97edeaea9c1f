/** The simulated cluster beside the loop: its router is the one that runs here. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostClock } from '#shared/ports/clock.ts';
import type { ClusterAccess } from '#shared/probes/kubernetes/access.ts';
import { failAfter } from '#shared/runtime/closing.ts';
import { type DoorName, startCluster } from '#sim/cluster/index.ts';
import { clusterPortOf } from './ports.ts';
import type { Nearby } from './probes.ts';

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
  close(): Promise<void>;
}

/** @param routeUrl where the router of the cluster answers */
export async function startLocalCluster(options: {
  readonly hostClock: HostClock;
  readonly seed: number;
  readonly port: number;
  readonly routeUrl: string;
  /** Of the stack; the kubeconfig lies there. */
  readonly directory: string;
}): Promise<LocalCluster> {
  const { hostClock, seed, port, routeUrl, directory } = options;
  const running = await startCluster({
    hostClock,
    seed,
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
    close: running.close,
    nearby: {
      cluster: access,
      authorities: [caPem],
      variables: { ...urls, ingress: ingressUrl, ingress_tls_port: String(ingressTlsPort), ...lists },
    },
  };
}

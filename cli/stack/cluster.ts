/** The simulated cluster beside the loop: its router is the one that runs here. */
import type { HostClock } from '#shared/ports/clock.ts';
import type { ClusterAccess } from '#shared/probes/kubernetes/access.ts';
import { type DoorName, type RunningCluster, startCluster } from '#sim/cluster/index.ts';
import { clusterPortOf } from './ports.ts';
import type { Nearby } from './probes.ts';

export interface LocalCluster {
  readonly running: RunningCluster;
  readonly nearby: Nearby;
}

/** @param routeUrl where the router of the cluster answers */
export async function startLocalCluster(options: {
  readonly hostClock: HostClock;
  readonly seed: number;
  readonly port: number;
  readonly routeUrl: string;
}): Promise<LocalCluster> {
  const { hostClock, seed, port, routeUrl } = options;
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
  return {
    running,
    nearby: {
      cluster: access,
      authorities: [caPem],
      variables: { ...urls, ingress: ingressUrl, ingress_tls_port: String(ingressTlsPort), ...lists },
    },
  };
}

/** The tools of a process, composed once; a run takes its own set of them, so that what one has read the next reads anew. */
import { RejectedError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import { type ClusterAccess, clusterHttp } from './kubernetes/access.ts';
import { createKubernetesReader } from './kubernetes/reader.ts';
import { createConnect } from './tools/connect.ts';
import { createDnsTool } from './tools/dns.ts';
import { createHttpTool } from './tools/http.ts';
import type { Identity } from './tools/id-token.ts';
import { createTlsTool } from './tools/tls.ts';
import type { KubernetesReader, LoopReader, ProbeTools } from './tools.ts';

export interface ToolsOptions {
  readonly hostClock: HostClock;
  readonly stopwatchMs: () => number;
  /** Null: no cluster is within reach; what looks at one says so. */
  readonly cluster: ClusterAccess | null;
  readonly loop: LoopReader | null;
  readonly publishJob: ProbeTools['publishJob'];
  /** ID tokens by audience, for targets that ask who calls; default: nobody makes any out here. */
  readonly identity?: Identity;
  /** PEM, trusted beside the system's. */
  readonly authorities?: readonly string[];
}

export interface ProbeToolbox {
  /** For one run. */
  tools(): ProbeTools;
  close(): Promise<void>;
}

export function createToolbox(options: ToolsOptions): ProbeToolbox {
  const { hostClock, stopwatchMs, cluster, loop, publishJob, identity = null, authorities = [] } = options;
  const base = { hostClock, stopwatchMs };
  const dns = createDnsTool(base);
  const connected = { ...base, connect: createConnect(dns), authorities };
  const network = { ...base, dns, http: createHttpTool({ ...connected, identity }), tls: createTlsTool(connected) };
  const clusterClient = cluster === null ? null : clusterHttp(cluster, hostClock);
  return {
    tools() {
      let reader: KubernetesReader | null = null;
      return {
        ...network,
        loop,
        publishJob,
        kubernetes() {
          if (cluster === null || clusterClient === null)
            throw new RejectedError(
              'config_invalid',
              'no cluster is configured that could be looked at: there is no kubeconfig, and no endpoint is named',
            );
          reader ??= createKubernetesReader({ access: cluster, http: clusterClient, hostClock });
          return reader;
        },
      };
    },
    close: async () => {
      await clusterClient?.close();
    },
  };
}

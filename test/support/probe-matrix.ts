/** The cluster's part of the suite that `vm up` runs, against a simulated cluster, in a time that passes only while nothing else does. */
import { readSuite } from '#cli/smoke/suites.ts';
import type { ClusterAccess } from '#shared/probes/kubernetes/access.ts';
import { clusterHttp } from '#shared/probes/kubernetes/access.ts';
import { createKubernetesReader } from '#shared/probes/kubernetes/reader.ts';
import { type RunReport, runSuite } from '#shared/probes/run.ts';
import type { Suite } from '#shared/probes/suite.ts';
import type { ProbeTools } from '#shared/probes/tools.ts';
import { type RunningCluster, startCluster } from '#sim/cluster/index.ts';
import type { FakeClock } from './clock.ts';
import { patientClock } from './patient-clock.ts';
import { realTools } from './probe-tools.ts';

/** Certificates are judged by the machine's own clock, so that is where time begins: at its last full hour. */
const START_MS = Math.floor(Date.now() / 3_600_000) * 3_600_000;
/** Told from all other waits by its length: so many answers of the cluster wait for time to pass. */
const SLOW_MS = 1_234;
/** What is young is given time: a pod two minutes. */
export const LASTS_MS = 130_000;
const STILL_TURNS = 5;
/** Of the suite's variables: what runs beside the cluster, and is not looked at here. The cluster's router is ours. */
const OWN = ['score', 'deploy', 'watch', 'collect', 'ingest', 'learn', 'train', 'promote'] as const;
const NOT_OF_CLUSTER: ReadonlySet<string> = new Set([...OWN, 'loop']);
const ROUTE_ANSWERS_AS_ITSELF = 'route-health';

export interface Matrix {
  readonly cluster: RunningCluster;
  readonly suite: Suite;
  readonly clock: FakeClock;
  /** All of the suite, some time after what is wrong has begun. */
  run(): Promise<RunReport>;
  close(): Promise<void>;
}

export async function openMatrix(): Promise<Matrix> {
  const patient = patientClock({
    startMs: START_MS,
    isLate: (ms) => ms === SLOW_MS || ms === 2 * SLOW_MS,
    stillTurns: STILL_TURNS,
  });
  const { clock, hostClock, counted } = patient;
  const cluster = await startCluster({ hostClock, seed: 7, slowMs: SLOW_MS });
  const { urls, ingressUrl, ingressTlsPort, crlPems, caPem, token } = cluster;
  const whole = readSuite('local', {
    variables: {
      ...Object.fromEntries(OWN.map((name) => [name, 'http://127.0.0.1:9'])),
      ...urls,
      route: urls['aurora-router'],
      ingress: ingressUrl,
      ingress_tls_port: String(ingressTlsPort),
      ...Object.fromEntries(crlPems.map((pem, index) => [`crl_${index}`, pem])),
    },
    loopback: true,
  });
  const checks = whole.checks.filter(({ id, target }) => !NOT_OF_CLUSTER.has(target) && id !== ROUTE_ANSWERS_AS_ITSELF);
  const suite = { ...whole, checks };

  const access: ClusterAccess = {
    server: cluster.apiUrl,
    caPem: null,
    token: async () => token,
    client: null,
    serverName: null,
    verified: true,
  };
  const client = clusterHttp(access, hostClock);
  const http = { exchange: counted(client.exchange) };
  const network = realTools({}, [caPem], hostClock, clock.now);
  const tools = (): ProbeTools => {
    const reader = createKubernetesReader({ access, http, hostClock });
    return {
      hostClock,
      stopwatchMs: clock.now,
      dns: network.dns,
      http: counted(network.http),
      tls: counted(network.tls),
      kubernetes: () => reader,
      loop: null,
      publishJob: null,
    };
  };

  let runs = 0;
  return {
    cluster,
    suite,
    clock,
    async run() {
      runs += 1;
      await clock.advance(LASTS_MS);
      const run = runSuite({
        suite,
        tools: tools(),
        runId: `run-${runs}`,
        signal: new AbortController().signal,
        only: null,
      });
      return await patient.during(run);
    },
    async close() {
      await client.close();
      await cluster.close();
    },
  };
}

/** Whose verdict is bad; what is skipped has none. */
export const failing = ({ results }: RunReport): readonly string[] =>
  results.filter(({ status }) => status === 'fail' || status === 'error').map(({ check_id }) => check_id);

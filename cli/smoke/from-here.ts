/** A suite that is run from this machine: over the network, with a kubeconfig into a cluster, and by way of the loop that is within reach. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { machineEnvironment } from '#shared/config.ts';
import { RejectedError } from '#shared/errors.ts';
import { createToolbox } from '#shared/probes/create-tools.ts';
import type { ClusterAccess } from '#shared/probes/kubernetes/access.ts';
import { type RunReport, runSuite, withNeeds } from '#shared/probes/run.ts';
import type { Suite } from '#shared/probes/suite.ts';
import { chosen, type LeftOut, without } from './choose.ts';
import { entryOf } from './kubeconfig.ts';
import { kubeconfigAccess } from './kubeconfig-access.ts';
import { contextOfCluster, findKubeconfig, type KubeconfigPlace, kubeconfigPaths } from './kubeconfig-files.ts';
import { NOTHING, type Reach, withReach } from './reach.ts';
import { readSuite } from './suites.ts';

export interface FromHere {
  /** Of a stack that may run here. */
  readonly directory: string;
  readonly suite: string;
  readonly only: readonly string[] | null;
  readonly leaveOut: LeftOut;
  /** A path; null: those of $KUBECONFIG, else ~/.kube/config. */
  readonly kubeconfig: string | null;
  /** Null: the one of `cluster`, else the kubeconfig's current one. */
  readonly context: string | null;
  /** Name of the cluster, or of its context. */
  readonly cluster: string | null;
  /** Of the services in the cluster. */
  readonly namespace: string;
  /** What the suite leaves open besides. */
  readonly settings: Readonly<Record<string, string>>;
  /** Told before it begins. */
  readonly note: (text: string) => void;
}

/** Host milliseconds; who waits longer is told so. */
const LONG_MS = 150_000;

/** A look, and what goes on about it. */
export interface Look {
  readonly report: RunReport;
  /** Host milliseconds, of the suite. */
  readonly periodMs: number;
  /** Whoever asked is told these. */
  readonly remarks: readonly string[];
}

/** @throws RejectedError file_unreadable, suite_invalid, config_invalid, usage */
export async function fromHere(asked: FromHere): Promise<Look> {
  // Whoever types a suite's name on his own machine may look at that machine.
  const suite = without(
    readSuite(asked.suite, { variables: { namespace: asked.namespace }, settings: asked.settings, loopback: true }),
    asked.leaveOut,
  );
  const wanted = chosen(suite, asked.only);
  const checks = wanted === null ? suite.checks : withNeeds(suite.checks, wanted);
  const way = checks.some(({ on }) => on === 'kubernetes') ? wayIn(asked) : { access: null, remarks: [] };
  if (suite.deadlineMs > LONG_MS)
    asked.note(
      `Suite ${suite.id} may take up to ${Math.ceil(suite.deadlineMs / 60_000)} minutes; it says what it saw at its end.`,
    );
  const look = (reach: Reach): Promise<Look> => lookAt(suite, wanted, way, reach);
  return checks.some(({ on, publishes, showsIdToken }) => on === 'loop' || publishes || showsIdToken)
    ? await withReach({ directory: asked.directory, clusterIsHere: isOf(asked.directory, way.access) }, look)
    : await look(NOTHING);
}

async function lookAt(suite: Suite, wanted: ReadonlySet<string> | null, way: WayIn, reach: Reach): Promise<Look> {
  const toolbox = createToolbox({
    hostClock,
    stopwatchMs: () => performance.now(),
    cluster: way.access,
    loop: reach.loop,
    publishJob: reach.publishJob,
    identity: reach.identity,
  });
  try {
    const report = await runSuite({
      suite,
      tools: toolbox.tools(),
      runId: `${suite.id}-by-hand-${hostClock.now()}`,
      signal: new AbortController().signal,
      only: wanted,
    });
    return { report, periodMs: suite.periodMs, remarks: [...way.remarks, ...reach.remarks] };
  } finally {
    await toolbox.close();
  }
}

/** Whether it is the cluster beside the stack there, by the kubeconfig that this has written: a tunnel leads elsewhere from 127.0.0.1 too. */
function isOf(directory: string, access: ClusterAccess | null): boolean {
  const given = join(directory, 'kubeconfig');
  const found = existsSync(given) ? findKubeconfig({ given, env: '', home: '' }) : null;
  return found !== null && entryOf(found.file, found.where, null).server === access?.server;
}

interface WayIn {
  /** Null: this machine has no kubeconfig; what looks at the cluster then says so. */
  readonly access: ClusterAccess | null;
  readonly remarks: readonly string[];
}

function wayIn({ kubeconfig, context, cluster }: FromHere): WayIn {
  const env = machineEnvironment();
  const place: KubeconfigPlace = { given: kubeconfig, env: env['KUBECONFIG'] ?? '', home: homedir() };
  const found = findKubeconfig(place);
  if (found === null) {
    const said = `there is no kubeconfig (looked for ${kubeconfigPaths(place).join(', ')})`;
    if (context !== null || cluster !== null)
      throw new RejectedError('config_invalid', `${said} that could tell of ${context ?? cluster}: ${GET_ONE}`);
    return { access: null, remarks: [`The cluster is not looked at: ${said}; ${GET_ONE}`] };
  }
  const name = context ?? (cluster === null ? null : contextOfCluster(found, cluster));
  const entry = entryOf(found.file, found.where, name);
  return { access: kubeconfigAccess({ entry, path: found.where, hostClock, env }), remarks: entry.warnings };
}
const GET_ONE =
  'get one (gcloud container clusters get-credentials NAME --region REGION --project PROJECT), name one (--kubeconfig FILE), or do without the cluster (--without-cluster)';

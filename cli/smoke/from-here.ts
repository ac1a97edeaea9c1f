/** A suite that is run from this machine: over the network, and with a kubeconfig into a cluster. */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { machineEnvironment } from '#shared/config.ts';
import { RejectedError } from '#shared/errors.ts';
import { createToolbox } from '#shared/probes/create-tools.ts';
import type { ClusterAccess } from '#shared/probes/kubernetes/access.ts';
import { type RunReport, runSuite } from '#shared/probes/run.ts';
import type { Suite } from '#shared/probes/suite.ts';
import { parseKubeconfig } from './kubeconfig.ts';
import { kubeconfigAccess } from './kubeconfig-access.ts';
import { readSuite } from './suites.ts';

export interface FromHere {
  readonly suite: string;
  readonly only: readonly string[] | null;
  /** Categories that are left out. */
  readonly skip: readonly string[];
  /** A path; null: $KUBECONFIG, else ~/.kube/config. */
  readonly kubeconfig: string | null;
  /** Null: the kubeconfig's current one. */
  readonly context: string | null;
  readonly variables: Readonly<Record<string, string>>;
}

/** @throws RejectedError file_unreadable, suite_invalid, config_invalid, usage */
export async function fromHere(asked: FromHere): Promise<RunReport> {
  // Whoever types a suite's name on his own machine may look at that machine.
  const suite = without(readSuite(asked.suite, { variables: asked.variables, loopback: true }), asked.skip);
  const wanted = asked.only === null ? null : new Set(asked.only);
  const unknown = asked.only?.find((id) => !suite.checks.some((check) => check.id === id));
  if (unknown !== undefined)
    throw new RejectedError('usage', `--only: suite ${suite.id} has no check ${JSON.stringify(unknown)}`);
  const toolbox = createToolbox({
    hostClock,
    stopwatchMs: () => performance.now(),
    cluster: needsCluster(suite, wanted) ? clusterFrom(asked) : null,
    loop: null,
    publishJob: null,
  });
  try {
    return await runSuite({
      suite,
      tools: toolbox.tools(),
      runId: `${suite.id}-by-hand-${hostClock.now()}`,
      signal: new AbortController().signal,
      only: wanted,
    });
  } finally {
    await toolbox.close();
  }
}

/** Who needs one that is left out does without it. */
function without(suite: Suite, categories: readonly string[]): Suite {
  const left = suite.checks.filter(({ category }) => !categories.includes(category));
  const ids = new Set(left.map(({ id }) => id));
  const checks = left.map((check) => ({ ...check, needs: check.needs.filter((id) => ids.has(id)) }));
  if (checks.length > 0) return { ...suite, checks };
  throw new RejectedError('usage', `--skip ${categories.join(',')} leaves no check of suite ${suite.id}`);
}

const needsCluster = ({ checks }: Suite, only: ReadonlySet<string> | null): boolean =>
  checks.some(({ id, on }) => on === 'kubernetes' && (only === null || only.has(id)));

/** Null: this machine has no kubeconfig; what looks at the cluster then says so. */
function clusterFrom({ kubeconfig, context }: FromHere): ClusterAccess | null {
  const env = machineEnvironment();
  const [named = ''] = (env['KUBECONFIG'] ?? '').split(delimiter);
  const path = kubeconfig ?? (named === '' ? join(homedir(), '.kube', 'config') : named);
  if (kubeconfig === null && !existsSync(path)) return null;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new RejectedError('file_unreadable', `kubeconfig ${path}: ${String(code)}`, { cause });
  }
  return kubeconfigAccess({ entry: parseKubeconfig(text, path, context), path, hostClock, env });
}

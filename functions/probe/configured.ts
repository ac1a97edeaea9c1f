/** The suites that the configuration names, and tools that reach what they look at. */
import { readFileSync } from 'node:fs';
import type { ProbeConfig } from '#shared/config-probe.ts';
import { RejectedError } from '#shared/errors.ts';
import type { Platform } from '#shared/platform.ts';
import { CHECK_KINDS } from '#shared/probes/checks/index.ts';
import { createToolbox } from '#shared/probes/create-tools.ts';
import { jobPublisher } from '#shared/probes/job-publisher.ts';
import { type ClusterAccess, googleClusterAccess } from '#shared/probes/kubernetes/access.ts';
import { parseSuite, type Suite } from '#shared/probes/suite.ts';
import { openIn } from '#shared/probes/suite-targets.ts';
import { loopOf } from './loop.ts';
import type { Probes } from './probes.ts';
import { createWebhook } from './webhook.ts';

/** @throws RejectedError config_invalid, file_unreadable, suite_invalid */
export async function configuredProbes(platform: Platform): Promise<Probes> {
  const { config, hostClock, metrics, identity } = platform;
  const probe = config.probe;
  if (probe === null)
    throw new RejectedError(
      'config_invalid',
      'AURORA_PROBE is not set: it says which suites probe runs, and whom it tells',
    );
  const { webhook } = probe;
  const suites = suitesOf(probe);
  const toolbox = createToolbox({
    hostClock,
    stopwatchMs: metrics.stopwatchMs,
    cluster: clusterOf(platform, probe),
    loop: await loopOf(platform),
    publishJob: jobPublisher(platform),
    identity,
  });
  return {
    suites,
    tools: toolbox.tools,
    webhook: webhook === null ? null : createWebhook({ ...webhook, hostClock }),
    close: toolbox.close,
  };
}

/** Where the services of the cluster are, unless the configuration says otherwise. */
const USUAL = { namespace: 'vaultmesh' };

/** @throws RejectedError config_invalid, file_unreadable, suite_invalid */
function suitesOf({ suites: files, variables: given }: ProbeConfig): readonly Suite[] {
  const texts = files.map((file) => ({ file, text: textOf(file) }));
  const variables = { ...USUAL, ...given };
  // In the cloud nothing of ours listens on loopback, and what does is nobody's to look at.
  const suites = texts.map(({ file, text }) =>
    parseSuite(text, file, { kinds: CHECK_KINDS, variables, loopback: false }),
  );
  const ids = suites.map(({ id }) => id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) throw invalid(`suites: expected each once, got two of the id ${twice}`);
  const idle = Object.keys(given).find((name) => !texts.some(({ text }) => openIn(text).has(name)));
  if (idle !== undefined) throw invalid(`variables.${idle}: none of the suites asks for it`);
  return suites;
}

const invalid = (why: string): RejectedError => new RejectedError('config_invalid', `AURORA_PROBE: ${why}`);

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new RejectedError('file_unreadable', `AURORA_PROBE: suite ${file}: ${String(code)}`, { cause });
  }
}

function clusterOf({ clusterToken }: Platform, { cluster }: ProbeConfig): ClusterAccess | null {
  if (cluster === null) return null;
  if (clusterToken !== null) return googleClusterAccess({ ...cluster, token: clusterToken });
  throw invalid('cluster: only AURORA_PLATFORM=gcp has tokens for one');
}

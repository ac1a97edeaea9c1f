/** The suite that the configuration names, and tools that reach what it looks at. */
import { readFileSync } from 'node:fs';
import type { ProbeConfig } from '#shared/config-probe.ts';
import { RejectedError, TransientError } from '#shared/errors.ts';
import type { Platform } from '#shared/platform.ts';
import { CHECK_KINDS } from '#shared/probes/checks/index.ts';
import { createToolbox } from '#shared/probes/create-tools.ts';
import { jobPublisher } from '#shared/probes/job-publisher.ts';
import { type ClusterAccess, googleClusterAccess } from '#shared/probes/kubernetes/access.ts';
import { parseSuite } from '#shared/probes/suite.ts';
import { loopOf } from './loop.ts';
import type { Probes } from './probes.ts';
import { createWebhook } from './webhook.ts';

/** @throws RejectedError config_invalid, file_unreadable, suite_invalid */
export async function configuredProbes(platform: Platform): Promise<Probes> {
  const { config, hostClock, metrics } = platform;
  const probe = config.probe;
  if (probe === null)
    throw new RejectedError(
      'config_invalid',
      'AURORA_PROBE is not set: it says which suite probe runs, and whom it tells',
    );
  const { suite: file, namespace, webhook } = probe;
  // In the cloud nothing of ours listens on loopback, and what does is nobody's to look at.
  const suite = parseSuite(textOf(file), file, { kinds: CHECK_KINDS, variables: { namespace }, loopback: false });
  const toolbox = createToolbox({
    hostClock,
    stopwatchMs: metrics.stopwatchMs,
    cluster: clusterOf(platform, probe),
    loop: await loopOf(platform, () => Promise.reject(new TransientError('loop_unreachable', DEAD_LETTERS))),
    publishJob: jobPublisher(platform),
  });
  return {
    suites: [suite],
    tools: toolbox.tools,
    webhook: webhook === null ? null : createWebhook({ ...webhook, hostClock }),
    close: toolbox.close,
  };
}

/** Alerts of the cloud watch its dead letters (terraform/modules/alerts): no suite of the cloud need ask. */
const DEAD_LETTERS = 'how many dead letters there are Pub/Sub tells Cloud Monitoring, and nobody else';

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
  throw new RejectedError('config_invalid', 'AURORA_PROBE: cluster: only AURORA_PLATFORM=gcp has tokens for one');
}

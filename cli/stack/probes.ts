/** What looks at the stack of this machine: the suite `local`, and tools that reach what runs here. */
import { loopOf } from '#functions/probe/loop.ts';
import type { LocalPlatform } from '#shared/platform-embedded.ts';
import { createToolbox, type ProbeToolbox } from '#shared/probes/create-tools.ts';
import { jobPublisher } from '#shared/probes/job-publisher.ts';
import type { ClusterAccess } from '#shared/probes/kubernetes/access.ts';
import type { Suite } from '#shared/probes/suite.ts';
import { readSuite } from '../smoke/suites.ts';

/** What stands beside the loop: a cluster, and names and authorities of what runs in it. */
export interface Nearby {
  readonly cluster: ClusterAccess;
  /** Who takes jobs, where the bus pushes them to. */
  readonly workers: Readonly<Record<string, string>>;
  /** PEM. */
  readonly authorities: readonly string[];
  /** For the suite. */
  readonly variables: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

export interface LocalProbes {
  readonly suite: Suite;
  readonly toolbox: ProbeToolbox;
}

/** @param urls of the functions, by name */
export async function localProbes(
  platform: LocalPlatform,
  urls: Readonly<Record<string, string>>,
  { cluster, authorities, variables }: Omit<Nearby, 'close'>,
): Promise<LocalProbes> {
  const { hostClock, metrics } = platform;
  return {
    suite: readSuite('local', { variables: { ...variables, ...urls }, loopback: true }),
    toolbox: createToolbox({
      hostClock,
      stopwatchMs: metrics.stopwatchMs,
      cluster,
      authorities,
      loop: await loopOf(platform),
      publishJob: jobPublisher(platform),
    }),
  };
}

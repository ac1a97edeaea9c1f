/** A cluster for checks: its lists as they are given, and a record of what was read. */
import { RejectedError } from '#shared/errors.ts';
import type { CheckContext } from '#shared/probes/check.ts';
import type { KubernetesObject, KubernetesReader, ProbeTools } from '#shared/probes/tools.ts';
import { type FakeClock, fakeClock } from './clock.ts';

export interface FakeCluster {
  readonly tools: ProbeTools;
  readonly context: CheckContext;
  readonly clock: FakeClock;
  /** `get /version`, in order. */
  readonly reads: string[];
  /** By path. What is not there is not known to the cluster. */
  readonly lists: Map<string, readonly KubernetesObject[] | Error>;
  readonly answers: Map<string, { readonly status: number; readonly body: unknown } | Error>;
}

export interface FakeClusterOptions {
  readonly lists?: Readonly<Record<string, readonly KubernetesObject[] | Error>>;
  readonly answers?: Readonly<Record<string, { readonly status: number; readonly body: unknown } | Error>>;
  readonly publishJob?: ProbeTools['publishJob'];
  readonly clock?: FakeClock;
  /** Host milliseconds that an attempt has. */
  readonly withinMs?: number;
}

export function fakeCluster(options: FakeClusterOptions = {}): FakeCluster {
  const { clock = fakeClock(), publishJob = null, withinMs = 10_000 } = options;
  const lists = new Map(Object.entries(options.lists ?? {}));
  const answers = new Map(Object.entries(options.answers ?? {}));
  const reads: string[] = [];
  const found = <T>(kind: string, path: string, all: ReadonlyMap<string, T | Error>): T => {
    reads.push(`${kind} ${path}`);
    const one = all.get(path);
    if (one === undefined) throw new RejectedError('not_found', `the cluster knows no ${path}`);
    if (one instanceof Error) throw one;
    return one;
  };
  const reader: KubernetesReader = {
    get: async (path) => found('get', path, answers),
    list: async (path) => found('list', path, lists),
  };
  const elsewhere = async (): Promise<never> => {
    throw new Error('a check of the cluster asks its API alone');
  };
  return {
    tools: {
      hostClock: clock,
      stopwatchMs: clock.now,
      http: elsewhere,
      tls: elsewhere,
      dns: elsewhere,
      kubernetes: () => reader,
      loop: null,
      publishJob,
    },
    context: { deadline: clock.now() + withinMs, signal: new AbortController().signal },
    clock,
    reads,
    lists,
    answers,
  };
}

/** One attempt of a check at what the cluster shows, as a suite would bind it. */
export const attempt = (
  check: { bind(spec: unknown, target: { namespace: string }): (tools: ProbeTools, context: CheckContext) => unknown },
  spec: unknown,
  { tools, context }: FakeCluster,
): unknown => check.bind(spec, { namespace: 'vaultmesh' })(tools, context);

/** Host time, as the API writes it. */
export const agoS = (clock: FakeClock, seconds: number): string =>
  new Date(clock.now() - seconds * 1_000).toISOString().replace('.000Z', 'Z');

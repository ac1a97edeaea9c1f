/** A run and its reader: what is looked at again is read again, and no more often than it must. */
import { createServer } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { podsCheck } from '#shared/probes/checks/pods.ts';
import { clusterHttp } from '#shared/probes/kubernetes/access.ts';
import { createKubernetesReader } from '#shared/probes/kubernetes/reader.ts';
import { runSuite } from '#shared/probes/run.ts';
import { parseSuite } from '#shared/probes/suite.ts';
import { fakeCluster } from '#test/support/fake-cluster.ts';
import { closeServer, listenOnLoopback } from '#test/support/loopback.ts';

let close = async (): Promise<void> => undefined;
afterEach(() => close());

const SUITE = `
suite: mine
period_s: 60
deadline_s: 20
confirm: { times: 2, pause_ms: 20 }
targets: { cluster: { kubernetes: { namespace: vaultmesh } } }
checks:
  - { id: a, kind: pods, target: cluster, category: x, selector: { app: a } }
  - { id: b, kind: pods, target: cluster, category: x, selector: { app: b } }
  - { id: c, kind: pods, target: cluster, category: x, selector: { app: c } }
`;
const pod = (app: string, ready: boolean) => ({
  metadata: { name: `${app}-1`, labels: { app } },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});

/** @param looks which apps are ready, look by look; the last one stays */
async function looking(looks: readonly (readonly string[])[]) {
  let read = 0;
  const server = createServer((_, response) => {
    const ready = looks[Math.min(read, looks.length - 1)] ?? [];
    read += 1;
    response.end(JSON.stringify({ metadata: {}, items: ['a', 'b', 'c'].map((app) => pod(app, ready.includes(app))) }));
  });
  const origin = await listenOnLoopback(server);
  const access = { server: origin, caPem: null, token: null, client: null, serverName: null, verified: true };
  const http = clusterHttp(access, hostClock);
  close = async () => {
    await http.close();
    await closeServer(server);
  };
  const reader = createKubernetesReader({ access, http, hostClock });
  const tools = { ...fakeCluster().tools, hostClock, kubernetes: () => reader };
  const suite = parseSuite(SUITE, 'mine.yaml', { kinds: { pods: podsCheck }, variables: {}, loopback: true });
  const { results } = await runSuite({ suite, tools, runId: 'r', signal: new AbortController().signal, only: null });
  return { told: results.map(({ check_id: id, status, attempts }) => `${id} ${status} ${attempts}`), read };
}

test('what is well is read once, whoever looks', async () => {
  expect(await looking([['a', 'b', 'c']])).toEqual({ told: ['a pass 1', 'b pass 1', 'c pass 1'], read: 1 });
});

test('what was bad for a moment is well when it is looked at anew', async () => {
  expect(await looking([['a'], ['a', 'b', 'c']])).toEqual({ told: ['a pass 1', 'b pass 2', 'c pass 2'], read: 2 });
});

test('what stays bad was seen so each time', async () => {
  expect(await looking([['a'], ['b'], ['a', 'b']])).toEqual({ told: ['a pass 1', 'b pass 2', 'c fail 3'], read: 3 });
});

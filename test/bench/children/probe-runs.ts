/**
 * Run after run of a small suite in one process, against a server in it. Asked for a number of runs, it does as many more and answers the
 * bytes of its heap after a collection.
 */
import { createServer } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { CHECK_KINDS } from '#shared/probes/checks/index.ts';
import { createToolbox } from '#shared/probes/create-tools.ts';
import { runSuite } from '#shared/probes/run.ts';
import { parseSuite } from '#shared/probes/suite.ts';
import { listenOnLoopback } from '#test/support/loopback.ts';
import { answerRounds } from './subject.ts';

const POD = {
  metadata: { name: 'a-1', labels: { app: 'a' } },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
};
const PAGES: Readonly<Record<string, string>> = {
  '/version': JSON.stringify({ gitVersion: 'v1.32.4' }),
  '/readyz': 'ok',
  '/metrics': 'probed_total 1\n',
};
const SUITE = `
suite: small
period_s: 60
deadline_s: 20
confirm: { times: 1, pause_ms: 0 }
targets:
  here: { url: "\${here}" }
  cluster: { kubernetes: { namespace: vaultmesh } }
checks:
  - { id: page, kind: http, target: here, category: x }
  - { id: series, kind: metrics, target: here, category: x, series: [{ name: probed_total }] }
  - { id: away, kind: http, target: here, category: x, path: /away }
  - { id: cluster, kind: cluster, target: cluster, category: x }
  - { id: pods, kind: pods, target: cluster, category: x, needs: [cluster], selector: { app: a } }
`;
/** What each run says: one that fails is confirmed, so that the ways of what is bad are walked as well. */
const EXPECTED = 'pass pass fail pass pass';

const here = await listenOnLoopback(
  createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://here');
    if (pathname === '/away') response.writeHead(503);
    response.end(PAGES[pathname] ?? JSON.stringify({ metadata: {}, items: [POD] }));
  }),
);
const cluster = {
  server: here,
  caPem: null,
  token: async () => 'token',
  client: null,
  serverName: null,
  verified: true,
};
const toolbox = createToolbox({
  hostClock,
  stopwatchMs: () => performance.now(),
  cluster,
  loop: null,
  publishJob: null,
});
const suite = parseSuite(SUITE, 'small.yaml', { kinds: CHECK_KINDS, variables: { here }, loopback: true });
const { signal } = new AbortController();
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

answerRounds(async (runs) => {
  for (let run = 0; run < Number(runs); run += 1) {
    const { results } = await runSuite({ suite, tools: toolbox.tools(), runId: `run-${run}`, signal, only: null });
    const said = results.map(({ status }) => status).join(' ');
    if (said !== EXPECTED) throw new Error(`expected ${EXPECTED}, got ${said}`);
  }
  // What ends a socket or a promise may hold on to it until the next turn.
  for (let turn = 0; turn < 3; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  return process.memoryUsage().heapUsed;
});

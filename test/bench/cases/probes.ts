import { CHECK_KINDS } from '#shared/probes/checks/index.ts';
import { createToolbox } from '#shared/probes/create-tools.ts';
import { type RunReport, runSuite } from '#shared/probes/run.ts';
import { parseSuite } from '#shared/probes/suite.ts';
import { type BenchCase, type BenchContext, type Figure, figure } from '../bench-case.ts';
import { startSubject } from '../children/subject.ts';
import { alternate } from '../rounds.ts';
import { startServer } from '../server-process.ts';

const AIM_MS = 3_000;
const LATE_MS = 100;
/** As a suite has it that says nothing. */
const CONCURRENCY = 32;
const HANG_MS = 2_000;
/** The run gives an attempt that ignores its deadline a quarter of a second more; one that keeps it needs none of that. */
const AIM_HANGS_MS = HANG_MS + 250;
const MIB = 2 ** 20;
/** Flat: what is kept is kept after a tenth of the runs. */
const AIM_GROWTH = 1.05;

export const probes: BenchCase = {
  name: 'probes',
  title: 'Smoke probes',
  async run(context) {
    const speed = await speedOf(context);
    const memory = await memoryOf(context);
    return { figures: [...speed.figures, ...memory.figures], facts: [...speed.facts, ...memory.facts] };
  },
};

async function speedOf({ quick, hostClock }: BenchContext) {
  const [rounds, targets] = quick ? [1, 8] : [5, 200];
  const server = await startServer('test/bench/children/late-server.mjs', { args: [String(LATE_MS)] });
  const toolbox = createToolbox({
    hostClock,
    stopwatchMs: () => performance.now(),
    cluster: null,
    loop: null,
    publishJob: null,
  });
  const run = async (hangs: number): Promise<RunReport> => {
    const text = JSON.stringify(suiteOf(server.url, targets, hangs));
    const suite = parseSuite(text, 'bench', { kinds: CHECK_KINDS, variables: {}, loopback: true });
    const { signal } = new AbortController();
    const report = await runSuite({ suite, tools: toolbox.tools(), runId: 'bench', signal, only: null });
    const bad = report.results.filter(({ status }) => status !== 'pass');
    if (bad.length !== hangs) throw new Error(`expected ${hangs} that fail, got ${JSON.stringify(bad.slice(0, 3))}`);
    return report;
  };
  try {
    const results = await alternate(
      rounds,
      {
        run: async () => (await run(0)).duration_ms,
        hanging: async () => (await run(1)).duration_ms,
        plain: () => plainly(server.url, targets),
      },
      { warmUp: !quick },
    );
    const baseline = { name: `plain: the same ${targets} by fetch, as many at once`, values: results.plain };
    const figures: Figure[] = [
      figure({
        name: `one run of ${targets} targets that answer after ${LATE_MS} ms`,
        unit: 'ms',
        better: 'lower',
        values: results.run,
        baseline,
        aim: AIM_MS,
      }),
      figure({
        name: `the same, and one that hangs, with a deadline of ${HANG_MS / 1_000} s`,
        unit: 'ms',
        better: 'lower',
        values: results.hanging,
        baseline: { name: 'nothing hangs', values: results.run },
        aim: AIM_HANGS_MS,
      }),
    ];
    const least = Math.ceil(targets / CONCURRENCY) * LATE_MS;
    return {
      figures,
      facts: [
        `${targets} targets and checks of kind http, ${CONCURRENCY} at a time, each over a connection of its own, nothing to confirm; by their own time they take ${least} ms at least; fetch keeps its connections`,
      ],
    };
  } finally {
    await toolbox.close();
    await server.stop();
  }
}

/** JSON is YAML. */
function suiteOf(url: string, count: number, hangs: number) {
  const ids = Array.from({ length: count }, (_, index) => `t${index}`);
  // The first of all, so that it holds its place from the beginning.
  const hanging = hangs === 0 ? [] : ['hang'];
  return {
    suite: 'bench',
    period_s: 60,
    deadline_s: 60,
    check_deadline_s: HANG_MS / 1_000,
    concurrency: CONCURRENCY,
    confirm: { times: 0, pause_ms: 0 },
    targets: Object.fromEntries([...hanging, ...ids].map((id) => [id, { url }])),
    checks: [...hanging, ...ids].map((id) => ({ id, kind: 'http', target: id, category: 'bench', path: `/${id}` })),
  };
}

/** Milliseconds. */
async function plainly(url: string, count: number): Promise<number> {
  const sinceMs = performance.now();
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      const response = await fetch(`${url}/t${next}`);
      if ((await response.text()) !== 'ok') throw new Error(`expected ok, got ${response.status}`);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, caller));
  return performance.now() - sinceMs;
}

async function memoryOf({ quick }: BenchContext) {
  const stretch = quick ? 20 : 1_000;
  const subject = startSubject<number>(new URL('../children/probe-runs.ts', import.meta.url), []);
  const heaps: number[] = [];
  try {
    while (heaps.length < 10) heaps.push((await subject.measure(String(stretch))) / MIB);
  } finally {
    await subject.stop();
  }
  const [first = Number.NaN] = heaps;
  const last = heaps.at(-1) ?? Number.NaN;
  return {
    figures: [
      figure({
        name: `heap after ${10 * stretch} runs`,
        unit: 'MiB',
        better: 'lower',
        values: [last],
        baseline: { name: `after ${stretch}`, values: [first] },
      }),
      figure({
        name: 'heap after all, over that after a tenth',
        unit: 'x',
        better: 'lower',
        values: [last / first],
        aim: AIM_GROWTH,
      }),
    ],
    facts: [
      `heap after each ${stretch} runs of five checks (http, metrics, cluster, pods; one fails and is confirmed), collected before it is read: ${heaps.map((mib) => mib.toFixed(1)).join(', ')} MiB; the server that is probed is in the same process`,
    ],
  };
}

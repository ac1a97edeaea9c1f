import { type BenchCase, figure } from '../bench-case.ts';
import { ROUTE_REQUESTS, startRoutes } from '../fixtures/routes.ts';
import { load } from '../load.ts';

const MIB = 2 ** 20;
const CONNECTIONS = 50;
/** Most of a stretch may be waited for, seconds. */
const STRETCH_LIMIT_S = 3_600;

/** Ten minutes and more: it runs only when it is asked for by name. */
export const routeMemory: BenchCase = {
  name: 'route-memory',
  title: 'Resident memory of `route` over a million decisions',
  onlyByName: true,
  async run({ quick, directory, hostClock, world }) {
    const [stretches, decisions] = quick ? [3, 50] : [10, 100_000];
    const { score, asking, byRules } = await startRoutes({ directory, world: await world(), hostClock, noBus: true });
    await byRules.stop();
    try {
      const resident: number[] = [];
      for (let stretch = 0; stretch < stretches; stretch += 1) {
        await load({
          server: asking,
          path: '/route',
          connections: CONNECTIONS,
          seconds: STRETCH_LIMIT_S,
          requests: decisions,
          body: (index) => ROUTE_REQUESTS[index % ROUTE_REQUESTS.length] ?? '',
          expect: 200,
        });
        resident.push((asking.memory()?.resident ?? Number.NaN) / MIB);
      }
      const [first = Number.NaN] = resident;
      return {
        figures: [
          figure({
            name: `after ${stretches} times ${decisions} decisions`,
            unit: 'MiB',
            better: 'lower',
            values: [resident.at(-1) ?? Number.NaN],
            baseline: { name: `after the first ${decisions}`, values: [first] },
          }),
        ],
        facts: [
          `after each ${decisions}: ${resident.map((mib) => mib.toFixed(0)).join(', ')} MiB`,
          'score answers in another process, intents are kept on disk, what is published is forgotten',
        ],
      };
    } finally {
      await Promise.all([score, asking].map((server) => server.stop()));
    }
  },
};

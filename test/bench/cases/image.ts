import { execFile } from 'node:child_process';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DEPLOYED } from '#cli/dev/bundle.ts';
import { makeLayout } from '#cli/dev/image/layout.ts';
import { ACCOUNT } from '#test/support/account.ts';
import { startCloud } from '#test/support/cloud.ts';
import { type BenchCase, figure } from '../bench-case.ts';
import { alternate } from '../rounds.ts';
import { untilReady } from '../until-ready.ts';

/** Not ready is an answer too: there are no offers, and nothing has been learnt. */
const ANSWERS = [200, 503];

export const image: BenchCase = {
  name: 'image',
  title: 'The image: process to first answer on /ready, and what lies in it',
  async run({ quick, directory }) {
    const at = join(directory, 'image');
    const { packages } = await makeLayout(at);
    await promisify(execFile)(process.execPath, [join(at, 'warm.mjs')]);
    const cloud = await startCloud();
    const probe = JSON.stringify({ suites: [join(at, 'suites', 'production.yaml')] });
    const start =
      (name: string, env: Readonly<Record<string, string>> = {}) =>
      (): Promise<number> =>
        untilReady(
          join(at, 'start.mjs'),
          {
            NODE_ENV: 'production',
            K_SERVICE: `aurora-${name}`,
            FUNCTION_TARGET: name,
            PORT: '0',
            ...cloud.environment,
            ...ACCOUNT,
            ...(name === 'probe' ? { AURORA_PROBE: probe } : {}),
            ...env,
          },
          ANSWERS,
        );
    const subjects = Object.fromEntries([
      ['bare', () => untilReady('test/bench/children/bare-server.mjs', {})],
      ...DEPLOYED.flatMap((name) => [
        [name, start(name)] as const,
        [`${name}, without the compile cache`, start(name, { NODE_DISABLE_COMPILE_CACHE: '1' })] as const,
      ]),
    ]);
    try {
      const { bare = [], ...times } = await alternate(quick ? 1 : 9, subjects, { warmUp: !quick });
      const lines = Object.entries(times).map(([name, values]) => {
        const baseline = { name: 'floor: bare node and node:http', values: bare };
        return figure({ name, unit: 'ms', better: 'lower', values, baseline });
      });
      const sizes = await Promise.all(
        [...DEPLOYED.map((name) => `functions/${name}`), 'node_modules', 'cache', '.'].map(
          async (name) => [name === '.' ? 'all of it' : name, await diskUse(join(at, name))] as const,
        ),
      );
      return {
        figures: [
          ...lines,
          ...sizes.map(([name, bytes]) => figure({ name, unit: 'MB', better: 'lower', values: [bytes / 1e6] })),
        ],
        facts: [
          `started by start.mjs as on Cloud Run, over fakes of Cloud Storage and BigQuery; ${packages.length} packages lie in node_modules`,
          'the base image, Node and a Debian, comes to it',
        ],
      };
    } finally {
      await cloud.close();
    }
  },
};

/** As du says it: blocks, not lengths. */
async function diskUse(directory: string): Promise<number> {
  const names = await readdir(directory, { recursive: true });
  const sizes = await Promise.all(names.map(async (name) => (await lstat(join(directory, name))).blocks * 512));
  return sizes.reduce((sum, size) => sum + size, 0);
}

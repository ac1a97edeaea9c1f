/**
 * Runs every script `check:*` of the package.json here, two at a time, each to its end: one look shows all that is wrong.
 *   node cli/dev/check.ts
 * Out: what each part says, whole, as it ends; then one line for each. Exit code 1 when one failed.
 */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';

/** As many as the smallest machine that builds this has cores. */
const AT_ONCE = 2;

interface Result {
  readonly part: string;
  readonly ok: boolean;
  readonly seconds: number;
}

async function partsOf(packageFile: string): Promise<readonly string[]> {
  const { scripts } = JSON.parse(await readFile(packageFile, 'utf8')) as { scripts: Record<string, string> };
  return Object.keys(scripts).filter((name) => name.startsWith('check:'));
}

/** Its output comes out in one piece, so that two parts do not mix. */
function run(part: string): Promise<Result> {
  const startedMs = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn('npm', ['run', '--silent', part], { stdio: ['ignore', 'pipe', 'pipe'] });
    const said: Buffer[] = [];
    child.stdout.on('data', (bytes: Buffer) => said.push(bytes));
    child.stderr.on('data', (bytes: Buffer) => said.push(bytes));
    child.once('error', reject);
    child.once('close', (code) => {
      const seconds = (performance.now() - startedMs) / 1000;
      const text = Buffer.concat(said).toString().trimEnd();
      console.log(
        `--- ${part}: ${code === 0 ? 'ok' : 'FAILED'} (${seconds.toFixed(1)} s)${text === '' ? '' : `\n${text}`}`,
      );
      resolve({ part, ok: code === 0, seconds });
    });
  });
}

async function runAll(parts: readonly string[]): Promise<readonly Result[]> {
  const waiting = [...parts];
  const results: Result[] = [];
  const work = async (): Promise<void> => {
    for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) results.push(await run(part));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return results;
}

const parts = await partsOf('package.json');
const failed = (await runAll(parts)).filter(({ ok }) => !ok).map(({ part }) => part);
console.log(
  failed.length === 0
    ? `\nall ${parts.length} parts are well`
    : `\n${failed.length} of ${parts.length} parts failed: ${failed.join(', ')}; again with npm run PART`,
);
process.exitCode = failed.length === 0 ? 0 : 1;

import { get } from 'node:http';
import { startServer } from './server-process.ts';

/** Milliseconds from the start of the process to its first answer on /ready, which is one of `statuses`. */
export async function untilReady(
  script: string,
  env: Readonly<Record<string, string>>,
  statuses: readonly number[] = [200, 204],
): Promise<number> {
  const since = performance.now();
  const server = await startServer(script, { env });
  try {
    const status = await statusOf(`${server.url}/ready`);
    if (!statuses.includes(status)) throw new Error(`${script} answered ${status} on /ready`);
    return performance.now() - since;
  } finally {
    await server.stop();
  }
}

/** node:http, for fetch would load itself within the time measured. */
const statusOf = (url: string): Promise<number> =>
  new Promise((resolve, reject) => {
    get(url, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    }).on('error', reject);
  });

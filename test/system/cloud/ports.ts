import { createServer } from 'node:http';
import { closeServer } from '#test/support/loopback.ts';

/** Below those that systems give to outgoing connections (32,768 and up): nobody takes one while its server is down. */
const FIRST = 20_000;
const SPREAD = 10_000;

/** Free ones, which a server may leave and come back to. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const found: number[] = [];
  for (let port = FIRST + ((process.pid * 16) % SPREAD); found.length < count; port += 1)
    if (await isFree(port)) found.push(port);
  return found;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
  if (free) await closeServer(server);
  return free;
}

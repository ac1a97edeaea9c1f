import { createServer } from 'node:http';
import { AuroraError, RejectedError } from '#shared/errors.ts';
import { listen } from '#shared/runtime/hosts/listen.ts';
import { portsOf } from './ports.ts';

const HOST = '127.0.0.1';

/** Before anything is made on disk. @throws RejectedError port_unavailable, naming the front door's port and the one in the way */
export async function requirePorts(base: number): Promise<void> {
  const ports = portsOf(base);
  for (const port of ports) {
    const server = createServer();
    try {
      await listen(server, port, HOST);
    } catch (error) {
      if (!(error instanceof AuroraError)) throw error;
      throw new RejectedError(
        'port_unavailable',
        `--port ${base} needs ${base} to ${Math.max(...ports)}: ${error.message}`,
        { cause: error },
      );
    } finally {
      await new Promise((closed) => server.close(closed));
    }
  }
}

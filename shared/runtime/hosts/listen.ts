import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RejectedError } from '#shared/errors.ts';

/** Listens and answers the port. @throws RejectedError port_unavailable (taken, or not ours to take) */
export function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const onError = (cause: NodeJS.ErrnoException): void => {
      const known = cause.code === 'EADDRINUSE' || cause.code === 'EACCES' || cause.code === 'EADDRNOTAVAIL';
      reject(
        known
          ? new RejectedError('port_unavailable', `cannot listen on ${host}:${port} (${cause.code})`, { cause })
          : cause,
      );
    };
    server.once('error', onError);
    server.listen(port, host, () => {
      server.off('error', onError);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** Servers on loopback that do nothing but show who they are: one for each way to be unwell. */
import { createServer, type Server } from 'node:https';
import { cutter, listen, portOf, shut } from '../../loopback.ts';
import { type Identities, TLS_NAMES, type TlsName } from './identities.ts';
import { HANDSHAKE_MS } from './pair.ts';

export interface TlsEndpoints {
  readonly ports: Readonly<Record<TlsName, number>>;
  renew(identities: Identities): void;
  close(): Promise<void>;
}

/** @throws RejectedError port_unavailable; then nothing listens */
export async function startTlsEndpoints(identities: Identities): Promise<TlsEndpoints> {
  const servers = new Map<TlsName, { readonly server: Server; readonly cut: () => void }>();
  const close = async (): Promise<void> => {
    for (const { cut } of servers.values()) cut();
    await Promise.all([...servers.values()].map(({ server }) => shut(server)));
  };
  const ports: Partial<Record<TlsName, number>> = {};
  try {
    for (const name of TLS_NAMES) {
      const server = createServer({ ...identities[name], handshakeTimeout: HANDSHAKE_MS }, (_, response) => {
        response.end('ok\n');
      });
      const cut = cutter(server);
      await listen(server, 0);
      servers.set(name, { server, cut });
      ports[name] = portOf(server);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    ports: ports as Record<TlsName, number>,
    renew(fresh) {
      for (const [name, { server }] of servers) server.setSecureContext(fresh[name]);
    },
    close,
  };
}

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HostClock } from '#shared/ports/clock.ts';

/** Where workloads answer: listeners on loopback that say 200 after the latency of the instance, host milliseconds. */
export interface Doors {
  /** Port of a door of that latency; the first call for it opens it. Null: not open yet. */
  port(latencyMs: number): number | null;
  close(): Promise<void>;
}

/**
 * One door for all instances of about the same latency, not one each: as many as there are steps between the limits, 312, however
 * many instances live, and an address that lasts. A step is 3 %, below what the timers of a busy machine are off by.
 */
const STEP = 1.03;
const MIN_MS = 1;
const MAX_MS = 10_000;

interface Door {
  readonly server: Server;
  port: number | null;
}

export function createDoors(hostClock: Pick<HostClock, 'after'>): Doors {
  const doors = new Map<number, Door>();

  function open(step: number): Door {
    const latencyMs = MIN_MS * STEP ** step;
    const server = createServer((request, response) => {
      request.resume();
      const cancel = hostClock.after(latencyMs, () => {
        response.writeHead(200, { 'content-type': 'text/plain' });
        response.end('ok\n');
      });
      response.on('close', cancel);
    });
    const door: Door = { server, port: null };
    // A door that cannot be opened stays shut: its instances have no address, as with a provider that gives none.
    server.on('error', () => doors.delete(step));
    server.listen(0, '127.0.0.1', () => {
      door.port = (server.address() as AddressInfo).port;
    });
    doors.set(step, door);
    return door;
  }

  return {
    port(latencyMs) {
      const within = Math.min(MAX_MS, Math.max(MIN_MS, latencyMs));
      const step = Math.round(Math.log(within / MIN_MS) / Math.log(STEP));
      return (doors.get(step) ?? open(step)).port;
    },
    async close() {
      await Promise.all(
        [...doors.values()].map(
          ({ server }) =>
            new Promise<void>((resolve) => {
              server.close(() => resolve());
              server.closeAllConnections();
            }),
        ),
      );
      doors.clear();
    },
  };
}

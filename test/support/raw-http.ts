import { connect, type Socket } from 'node:net';

export interface RawConnection {
  readonly socket: Socket;
  send(bytes: string | Uint8Array): void;
  /** Everything received so far. */
  received(): string;
  /** Resolves when the text has been received; rejects when the connection ends before. */
  until(text: string): Promise<string>;
  /** All that came until the other side closed. */
  ended(): Promise<string>;
}

/** HTTP by hand, for what no client would send. Half-open on purpose: our end of sending is not the end of reading. */
export async function rawConnection(port: number): Promise<RawConnection> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  let text = '';
  let over = false;
  const watchers = new Set<() => void>();
  const changed = (): void => {
    for (const watch of [...watchers]) watch();
  };
  const finish = (): void => {
    over = true;
    changed();
  };
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    changed();
  });
  socket.on('end', finish);
  socket.on('close', finish);
  // A reset after the answer is an end like another; what was received tells.
  socket.on('error', finish);
  const waitFor = (done: () => boolean): Promise<string> =>
    new Promise((resolve, reject) => {
      const watch = (): void => {
        if (done()) {
          watchers.delete(watch);
          resolve(text);
        } else if (over) reject(new Error(`the connection ended after: ${text.slice(0, 500)}`));
      };
      watchers.add(watch);
      watch();
    });
  return {
    socket,
    send: (bytes) => void socket.write(bytes),
    received: () => text,
    until: (wanted) => waitFor(() => text.includes(wanted)),
    ended: () => waitFor(() => over),
  };
}

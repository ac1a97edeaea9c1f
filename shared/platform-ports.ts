/** What every platform does with its ports: each opens on first use, once, and what was opened is closed in reverse order. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { sha256Hex } from './domain/ids.ts';
import type { Salt } from './platform.ts';
import type { State } from './ports/state.ts';
import { closeInTurn } from './runtime/closing.ts';

interface Closable {
  close(): Promise<void>;
}

export interface OpenPorts {
  /** Opens once; a failed opening may be tried again. */
  lazily<T extends Closable>(open: () => Promise<T>): () => Promise<T>;
  /** Whatever one of them throws. */
  close(): Promise<void>;
}

/** @param afterOpening of each */
export function openPorts(afterOpening: () => Promise<void> = async () => undefined): OpenPorts {
  const opened: Closable[] = [];
  return {
    lazily<T extends Closable>(open: () => Promise<T>) {
      let pending: Promise<T> | undefined;
      return () => {
        pending ??= open().then(
          async (port) => {
            opened.push(port);
            await afterOpening();
            return port;
          },
          (error: unknown) => {
            pending = undefined;
            throw error;
          },
        );
        return pending;
      };
    },
    close() {
      const ports = opened.splice(0).reverse();
      return closeInTurn(ports.map((port) => () => port.close()));
    },
  };
}

const salt = z.object({ id: z.string(), secret: z.string() });

/** Drawn once, by whoever needs it first. */
export function saltIn(state: () => Promise<State>): () => Promise<Salt> {
  let pending: Promise<Salt> | undefined;
  const draw = async (): Promise<Salt> => {
    const secret = randomBytes(32).toString('hex');
    const { entry } = await (await state()).create('policy/salt', {
      // Another salt has another name; the secret cannot be told from it.
      id: `salt-${sha256Hex(secret).slice(0, 12)}`,
      secret,
    });
    return salt.parse(entry.value);
  };
  return () => {
    pending ??= draw();
    return pending;
  };
}

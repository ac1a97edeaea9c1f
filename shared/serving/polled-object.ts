/**
 * A small object that is read again and again: champion, offers, control. The last valid value stays until a newer one has
 * been read and proved whole (stale-while-revalidate); its age is the caller's to judge.
 *
 * States: empty --valid read--> loaded --valid read--> loaded (newer); an unreadable or invalid object changes nothing but
 * `lastError`, and is said once.
 */
import { AuroraError } from '#shared/errors.ts';
import type { Log } from '#shared/ports/log.ts';
import type { Objects } from '#shared/ports/objects.ts';

export interface Polled<T> {
  readonly value: T;
  readonly generation: string;
}

export interface PolledObject<T> {
  current(): Polled<T> | null;
  /** Looks once. Never throws: what failed is in the log and in lastError(). */
  refresh(): Promise<void>;
  lastError(): string | null;
}

export function polledObject<T>(options: {
  readonly name: string;
  readonly objects: Objects;
  readonly log: Log;
  /** Throws when the bytes are not a valid value; the old one stays. */
  readonly parse: (bytes: Uint8Array, generation: string) => T | Promise<T>;
}): PolledObject<T> {
  const { name, objects, log, parse } = options;
  let current: Polled<T> | null = null;
  let seenGeneration = '';
  /** Why the store did not answer at the last look, and what is wrong with the bytes seen last; null: nothing. */
  let away: string | null = null;
  let invalid: string | null = null;
  const said = (error: unknown, before: string | null): string => {
    const text = error instanceof AuroraError ? `${error.code}: ${error.message}` : String(error);
    const fields = { object: name, error: text, generation: seenGeneration };
    if (text !== before) log.warn(fields, 'object could not be read; the last valid value stays');
    return text;
  };

  return {
    current: () => current,
    lastError: () => away ?? invalid,
    async refresh() {
      let found: Awaited<ReturnType<Objects['readUnless']>>;
      try {
        found = await objects.readUnless(name, seenGeneration);
        away = null;
      } catch (error) {
        away = said(error, away);
        return;
      }
      if (found === 'unchanged' || found === null) return;
      // Remembered before parsing: bytes that are bad now will be as bad at the next look.
      seenGeneration = found.generation;
      try {
        current = { value: await parse(found.bytes, found.generation), generation: found.generation };
        invalid = null;
      } catch (error) {
        invalid = said(error, null);
      }
    },
  };
}

/**
 * The log of a stack as a file. A disk that is full or broken must not end the stack: it says so once, counts the lines it
 * loses, and at the first line that goes in again writes how many they were.
 * States: writing -> losing (first write that fails) -> writing (first write that succeeds).
 */
import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';
import type { Clock } from '#shared/ports/clock.ts';

export interface LogFile {
  write(line: string): void;
  close(): void;
}

export interface LogFileOptions {
  /** For whoever watches: when lines begin to be lost, and when they no longer are. */
  readonly note: (text: string) => void;
  readonly clock: Clock;
  /** Of each of the two files: the one written, and `<path>.1` before it. */
  readonly maxBytes?: number;
}

/** Two files of at most this size: a day of a busy stack, and bounded whatever happens. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Appends whole lines; at the limit the file becomes `<path>.1` and a new one starts. @throws when it cannot be opened at first */
export function logFile(path: string, { note, clock, maxBytes = MAX_BYTES }: LogFileOptions): LogFile {
  let file: { readonly descriptor: number; size: number } | null = open(path);
  /** Lines lost since the last that went in, and the first reason. */
  let lost: { lines: number; readonly why: string } | null = null;
  /** The last write was cut in the middle of a line. */
  let torn = false;

  const shut = (): void => {
    const { descriptor } = file ?? {};
    file = null;
    if (descriptor !== undefined) closeSync(descriptor);
  };
  const append = (text: string): void => {
    if (file !== null && file.size > maxBytes) {
      shut();
      renameSync(path, `${path}.1`);
    }
    // Opened anew after each failure: what failed may have been this descriptor alone.
    file ??= open(path);
    const bytes = Buffer.from(torn ? `\n${text}` : text);
    const written = writeSync(file.descriptor, bytes);
    file.size += written;
    if (written > 0) torn = written < bytes.length;
    if (written < bytes.length) throw Object.assign(new Error('no room for the whole line'), { code: 'ENOSPC' });
  };

  return {
    write(line) {
      try {
        append(lost === null ? line : `${lostLine(lost, clock.now())}${line}`);
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        if (code === undefined) throw error;
        if (lost === null) note(`${path} cannot be written, log lines are being lost: ${message}`);
        lost = { lines: (lost?.lines ?? 0) + 1, why: lost?.why ?? message };
        quietly(shut);
        return;
      }
      if (lost !== null) note(`${path} is written again; ${lost.lines} log lines were lost`);
      lost = null;
    },
    close: shut,
  };
}

function open(path: string): { readonly descriptor: number; size: number } {
  const descriptor = openSync(path, 'a');
  return { descriptor, size: fstatSync(descriptor).size };
}

/** In the form of every other line. */
function lostLine({ lines, why }: { readonly lines: number; readonly why: string }, nowMs: number): string {
  const time = new Date(nowMs).toISOString();
  return `${JSON.stringify({ severity: 'WARNING', time, lost_lines: lines, message: `log lines were lost here: ${why}` })}\n`;
}

/** A descriptor that could not be written may fail to close as well; its number is free all the same. */
function quietly(close: () => void): void {
  try {
    close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  }
}

import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';

export interface LogFile {
  write(line: string): void;
  close(): void;
}

/** Two files of at most this size: a day of a busy stack, and bounded whatever happens. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Appends whole lines; at the limit the file becomes `<path>.1` and a new one starts. */
export function logFile(path: string): LogFile {
  let descriptor = openSync(path, 'a');
  let size = fstatSync(descriptor).size;
  return {
    write(line) {
      if (size > MAX_BYTES) {
        closeSync(descriptor);
        renameSync(path, `${path}.1`);
        descriptor = openSync(path, 'a');
        size = 0;
      }
      size += writeSync(descriptor, line);
    },
    close: () => closeSync(descriptor),
  };
}

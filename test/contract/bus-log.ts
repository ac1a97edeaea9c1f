import type { Log } from '#shared/ports/log.ts';

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A log that keeps its lines. */
export function fakeLog(lines: LogLine[], bindings: Readonly<Record<string, unknown>> = {}): Log {
  const line = (level: LogLine['level']) => (fields: Readonly<Record<string, unknown>>, message: string) =>
    void lines.push({ level, fields: { ...bindings, ...fields }, message });
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    child: (fields) => fakeLog(lines, { ...bindings, ...fields }),
  };
}

import type { HostClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import type { RuntimeDeps } from '#shared/runtime/deps.ts';
import type { FunctionRequest } from '#shared/runtime/types.ts';
import { createMetrics } from '#shared/telemetry/metrics.ts';
import { fakeClock } from './clock.ts';

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A log that keeps its lines. */
export function memoryLog(lines: LogLine[] = [], base: Readonly<Record<string, unknown>> = {}): Log {
  const at = (level: LogLine['level']) => (fields: Readonly<Record<string, unknown>>, message: string) =>
    void lines.push({ level, message, fields: { ...base, ...fields } });
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => memoryLog(lines, { ...base, ...fields }),
  };
}

/** What a function runs with, and the log it wrote. Durations pass on its clock too: no test waits on how busy the machine is. */
export function testDeps(hostClock: HostClock = fakeClock()): RuntimeDeps & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  return { log: memoryLog(lines), hostClock, metrics: createMetrics({ stopwatchMs: hostClock.now }), lines };
}

/** A request as a host hands it over; a test names only what it is about. */
export function aRequest(
  changes: Partial<Omit<FunctionRequest, 'body'>> & { body?: Uint8Array | string } = {},
): FunctionRequest {
  const { body = '', ...rest } = changes;
  return {
    method: 'GET',
    path: '/',
    query: new URLSearchParams(),
    headers: {},
    deadline: Number.POSITIVE_INFINITY,
    signal: new AbortController().signal,
    ...rest,
    body: typeof body === 'string' ? new TextEncoder().encode(body) : body,
  };
}

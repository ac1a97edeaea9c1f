/**
 * The log: one JSON line to stdout per event, in the field names that Cloud Logging understands.
 * Written synchronously. A serverless instance gets no CPU after its last answer and may be killed without a signal, so a
 * buffered line can be lost, and it would be the last one, which explains why. The price is a write call per line.
 */
import { pino } from 'pino';
import type { Log } from '#shared/ports/log.ts';
import { redact } from './redact.ts';
import { parseTraceparent } from './trace.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface LogOptions {
  readonly level: LogLevel;
  /** Takes whole lines; default stdout. */
  readonly destination?: { write(line: string): void };
  /** Fields of every line. */
  readonly base?: Readonly<Record<string, unknown>>;
  /** Cloud project: with it, a field `traceparent` also names the trace in Cloud Logging's own fields. */
  readonly project?: string;
}

const SEVERITY: Readonly<Record<string, string>> = { debug: 'DEBUG', info: 'INFO', warn: 'WARNING', error: 'ERROR' };

export function createLog({ level, destination, base = {}, project }: LogOptions): Log {
  const root = pino(
    {
      level,
      base: redact(base),
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ severity: SEVERITY[label] ?? 'DEFAULT' }),
        log: (fields) => ({ ...redact(fields), ...traceFields(fields['traceparent'], project) }),
      },
    },
    destination ?? pino.destination({ fd: 1, sync: true }),
  );
  return wrap(root);
}

function wrap(logger: pino.Logger): Log {
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    child: (fields) => wrap(logger.child(redact(fields))),
  };
}

/** https://cloud.google.com/logging/docs/structured-logging#special-payload-fields */
function traceFields(traceparent: unknown, project: string | undefined): Readonly<Record<string, unknown>> | undefined {
  const trace = typeof traceparent === 'string' && project !== undefined ? parseTraceparent(traceparent) : null;
  if (trace === null) return undefined;
  return {
    'logging.googleapis.com/trace': `projects/${project}/traces/${trace.traceId}`,
    'logging.googleapis.com/spanId': trace.spanId,
    'logging.googleapis.com/trace_sampled': trace.sampled,
  };
}

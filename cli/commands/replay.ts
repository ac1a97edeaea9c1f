import { setTimeout as sleep } from 'node:timers/promises';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { routingDecision, routingOutcome } from '#shared/domain/events/catalogue.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { TransientError } from '#shared/errors.ts';
import { type Command, EXIT } from '../command.ts';
import { type Access, withAccess } from '../ops/access.ts';
import { knownEvents, publishEvents } from '../ops/events.ts';
import { type ReplayContext, type ReplayedEvents, replayedEvents, startOf } from '../replay/events.ts';
import { recordedMarket } from '../replay/offers.ts';
import {
  RECORD_COLUMNS,
  type ReadLine,
  readMetrics,
  readProviders,
  readRecord,
  readTenants,
} from '../replay/record.ts';

const CHUNK_ROWS = 100;
const BAD_LISTED = 20;
const ARRIVAL_LIMIT_MS = 5 * 60_000;
const ARRIVAL_POLL_MS = 100;

interface Report {
  rows: number;
  decisions: number;
  outcomes: number;
  /** Events that an earlier replay had brought in. */
  already_there: number;
  bad_total: number;
  bad: { line: number; message: string }[];
}

export const replayCommand: Command = {
  name: 'replay',
  summary: 'import recorded decisions with their outcomes, through the bus',
  usage: 'FILE.csv [options]',
  options: {
    start: { type: 'string', default: '2026-01-01' },
    providers: { type: 'string' },
    tenants: { type: 'string' },
    metrics: { type: 'string' },
  },
  help: {
    start:
      'instant of step 0, from 1970 to 2999, or a date: its midnight in UTC; a step is an hour (default 2026-01-01)',
    providers: 'JSON {providers:[{id, gpu_types, base_price_usd_per_hour, ...}]}: what else could have been chosen',
    tenants: 'JSON {tenants:[{id, region, weights, min_reputation, max_latency_ms}]}',
    metrics:
      'CSV step,provider_id,active,effective_capacity,latency_ms,price_A100,reputation (price_A100 10.0: sells none)',
  },
  takes: { start: 'INSTANT|DATE', providers: 'FILE', tenants: 'FILE', metrics: 'FILE' },
  notes: [
    `Columns of FILE.csv: ${RECORD_COLUMNS.join(',')}`,
    'One line is one row: no line break within quotes. Bad lines are named by number and the rest goes in (exit code 1).',
    'A second replay of the same file with the same --start changes nothing; with another --start it is another record.',
  ],
  examples: [
    'vm replay decisions.csv',
    'vm replay decisions.csv --providers providers.json --tenants workloads.json --metrics metrics.csv --start 2026-03-01',
  ],
  positionals: { min: 1, max: 1 },
  run: async ({ directory, json, print, note, positionals, values }) => {
    const path = positionals[0] ?? '';
    const context = await contextOf(values);
    const file = readRecord(path);
    try {
      // A file that is none, or of another shape, is refused before anything is opened.
      const lines = await begun(file);
      const report = await withAccess(directory, 'replay', (access) => replay(access, lines, context, note), {
        creates: true,
      });
      tell(report, json, print);
      return report.bad_total === 0 ? EXIT.ok : EXIT.partial;
    } finally {
      await file.return(undefined);
    }
  },
};

/** The same values, the first of them read already: what is wrong with the whole is thrown here. */
async function begun<T>(source: AsyncGenerator<T>): Promise<AsyncIterable<T>> {
  const first = await source.next();
  return (async function* () {
    if (first.done === true) return;
    yield first.value;
    yield* source;
  })();
}

function tell(report: Report, json: boolean, print: (text: string) => void): void {
  if (json) print(JSON.stringify(report));
  else {
    print(
      `${report.rows} rows: ${report.decisions} decisions and ${report.outcomes} outcomes sent, ${report.already_there} events were there already`,
    );
    for (const { line, message } of report.bad) print(`line ${line}: ${message}`);
    if (report.bad_total > report.bad.length) print(`and ${report.bad_total - report.bad.length} more bad lines`);
  }
}

async function contextOf(values: Readonly<Record<string, string | boolean | undefined>>): Promise<ReplayContext> {
  const startMs = startOf(String(values['start']));
  const given = (name: string): string | null => (typeof values[name] === 'string' ? values[name] : null);
  const [providers, tenants, metrics] = [given('providers'), given('tenants'), given('metrics')];
  const market = recordedMarket(
    providers === null ? [] : await readProviders(providers),
    metrics === null ? [] : await readMetrics(metrics),
  );
  const byId = new Map((tenants === null ? [] : await readTenants(tenants)).map((tenant) => [tenant.id, tenant]));
  return { startMs, tenants: byId, offersAt: market };
}

async function replay(
  access: Access,
  lines: AsyncIterable<ReadLine>,
  context: ReplayContext,
  note: (text: string) => void,
): Promise<Report> {
  const report: Report = { rows: 0, decisions: 0, outcomes: 0, already_there: 0, bad_total: 0, bad: [] };
  const sent: Sent = { ids: new Set(), fromMs: Number.POSITIVE_INFINITY, toMs: 0 };
  let chunk: ReplayedEvents[] = [];
  const flush = async (): Promise<void> => {
    await send(access, chunk, report, sent);
    chunk = [];
    note(`${report.rows} rows ...`);
  };
  for await (const line of lines) {
    report.rows += 1;
    if (line.ok) chunk.push(replayedEvents(line.value, context));
    else countBad(report, line);
    if (chunk.length === CHUNK_ROWS) await flush();
  }
  if (chunk.length > 0) await flush();
  await untilOnRecord(access, sent);
  return report;
}

function countBad(report: Report, { line, message }: { readonly line: number; readonly message: string }): void {
  report.bad_total += 1;
  if (report.bad.length < BAD_LISTED) report.bad.push({ line, message });
}

interface Sent {
  readonly ids: Set<string>;
  /** Stretch of world time of the events sent. */
  fromMs: number;
  toMs: number;
}

/** Publishes what is not on record yet: a second replay changes nothing. */
async function send(access: Access, chunk: readonly ReplayedEvents[], report: Report, sent: Sent): Promise<void> {
  const events = chunk.flatMap(({ decision, outcome }) => [
    {
      type: 'routing-decision' as const,
      payload: decision as Record<string, unknown>,
      id: routingDecision.eventId(decision),
      at: decision.decided_at,
    },
    ...(outcome === null
      ? []
      : [
          {
            type: 'routing-outcome' as const,
            payload: outcome as Record<string, unknown>,
            id: routingOutcome.eventId(outcome),
            at: outcome.observed_at,
          },
        ]),
  ]);
  const instants = events.map((event) => Date.parse(event.at));
  const range = { fromMs: Math.min(...instants), toMs: Math.max(...instants) };
  const known = new Set((await access.call(knownEvents, rangeOf(range))).ids);
  const fresh = events.filter((event) => !known.has(event.id));
  report.already_there += events.length - fresh.length;
  report.decisions += fresh.filter((event) => event.type === 'routing-decision').length;
  report.outcomes += fresh.filter((event) => event.type === 'routing-outcome').length;
  if (fresh.length === 0) return;
  await access.call(publishEvents, { events: fresh.map(({ type, payload }) => ({ type, payload })) });
  for (const event of fresh) sent.ids.add(event.id);
  sent.fromMs = Math.min(sent.fromMs, range.fromMs);
  sent.toMs = Math.max(sent.toMs, range.toMs);
}

/** Published is durable; but whoever asks for the status next expects to see it. */
async function untilOnRecord(access: Access, sent: Sent): Promise<void> {
  const giveUpAt = hostClock.now() + ARRIVAL_LIMIT_MS;
  while (sent.ids.size > 0) {
    const { ids } = await access.call(knownEvents, rangeOf(sent));
    for (const id of ids) sent.ids.delete(id);
    if (sent.ids.size === 0) return;
    if (hostClock.now() > giveUpAt)
      throw new TransientError(
        'deadline_exceeded',
        `${sent.ids.size} events are in the bus but not on record yet; see vm status, vm rejected list, vm dlq list`,
      );
    await sleep(ARRIVAL_POLL_MS);
  }
}

const rangeOf = ({
  fromMs,
  toMs,
}: {
  readonly fromMs: number;
  readonly toMs: number;
}): { from: string; to: string } => ({
  from: rfc3339(fromMs),
  to: rfc3339(toMs),
});

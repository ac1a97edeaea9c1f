/**
 * What of the books is the same whatever they are kept in: the record, the deployments and the models after the fact, held against
 * what tenants were told. Each check adds what it finds, a line of plain text.
 */
import { z } from 'zod';
import { type DeploymentRecord, deploymentKey, deploymentRecord, LIVE_PREFIX } from '#shared/domain/deployment.ts';
import { timestamp } from '#shared/domain/primitives.ts';
import type { Objects } from '#shared/ports/objects.ts';
import type { State } from '#shared/ports/state.ts';
import type { Dialect, Warehouse } from '#shared/ports/warehouse.ts';
import { defineQuery, EVERY_DAY } from '#shared/queries/fragments.ts';
import { createRegistry } from '#shared/registry/registry.ts';
import { fakeClock } from '#test/support/clock.ts';
import type { Tenants } from './tenants.ts';

/** Only what was decided from then on: a record that was there before is nobody's to answer for. */
const params = z.strictObject({ since: timestamp });
const recent = (dialect: Dialect): string =>
  `${EVERY_DAY} AND decided_at >= ${dialect.timestamp(dialect.param('since'))}`;

const decisionRows = defineQuery({
  name: 'audit_decisions',
  params,
  row: z.object({ decision_id: z.string(), request_id: z.string(), final_offer_id: z.string().nullable(), n: z.int() }),
  sql: (dialect) => `
SELECT decision_id, request_id, final_offer_id, COUNT(*) AS n FROM ${dialect.table('routing_decisions_distinct')}
WHERE ${recent(dialect)} GROUP BY ALL`,
});

const outcomeRows = defineQuery({
  name: 'audit_outcomes',
  params,
  row: z.object({ decision_id: z.string(), attempt: z.int(), final: z.boolean(), status: z.string(), n: z.int() }),
  sql: (dialect) => `
SELECT decision_id, attempt, final, status, COUNT(*) AS n FROM ${dialect.table('routing_outcomes_distinct')}
WHERE ${recent(dialect)} GROUP BY ALL`,
});

/** The record from an instant (RFC 3339) on. */
export interface Recorded {
  readonly warehouse: Warehouse;
  readonly since: string;
}

/** Acknowledged exactly once with the acknowledged offer; nothing on record that nobody asked for. Answers decision id -> offer. */
export async function checkDecisions(
  { warehouse, since }: Recorded,
  tenants: Tenants,
  findings: string[],
): Promise<ReadonlyMap<string, string | null>> {
  const rows = await warehouse.query(decisionRows, { since });
  const decided = new Map<string, string | null>();
  for (const row of rows) {
    if (row.n !== 1 || decided.has(row.decision_id))
      findings.push(`decision ${row.decision_id} is there ${row.n} times`);
    decided.set(row.decision_id, row.final_offer_id);
    if (!tenants.sent.has(row.request_id)) findings.push(`decision ${row.decision_id}: nobody sent ${row.request_id}`);
  }
  const told = new Set<string>(tenants.refused);
  for (const { decision_id, request_id, offer_id } of tenants.acknowledged.values()) {
    told.add(decision_id);
    if (!decided.has(decision_id)) findings.push(`lost: ${request_id} was told ${decision_id}, which is not on record`);
    else if (decided.get(decision_id) !== offer_id)
      findings.push(`${decision_id}: told ${offer_id}, on record ${decided.get(decision_id)}`);
  }
  for (const id of tenants.refused) if (!decided.has(id)) findings.push(`lost: refusal ${id} is not on record`);
  for (const [id, offer] of decided)
    if (offer !== null && !told.has(id)) findings.push(`${id} decided, nobody was told`);
  return decided;
}

export interface Deployments {
  readonly records: ReadonlyMap<string, DeploymentRecord>;
  readonly live: ReadonlySet<string>;
}

export async function deploymentsIn(state: State): Promise<Deployments> {
  const prefix = deploymentKey('');
  const entries = await state.list(prefix, { limit: 1_000_000 });
  const live = await state.list(LIVE_PREFIX, { limit: 1_000_000 });
  return {
    records: new Map(entries.map(({ key, value }) => [key.slice(prefix.length), deploymentRecord.parse(value)])),
    live: new Set(live.map(({ key }) => key.slice(LIVE_PREFIX.length))),
  };
}

/** Every attempt that ended has one final outcome, the one that the market knows; no outcome without decision. */
export async function checkOutcomes(
  { warehouse, since }: Recorded,
  books: {
    readonly decided: ReadonlyMap<string, string | null>;
    readonly deployments: Deployments;
    readonly market: ReadonlyMap<string, string>;
  },
  findings: string[],
): Promise<number> {
  const finals = new Map<string, string>();
  for (const row of await warehouse.query(outcomeRows, { since })) {
    const key = `${row.decision_id}#${row.attempt}`;
    if (row.n !== 1) findings.push(`outcome ${key} ${row.status} is there ${row.n} times`);
    if (!books.decided.has(row.decision_id)) findings.push(`outcome of ${key}, which was never decided`);
    if (!row.final) continue;
    if (finals.has(key)) findings.push(`${key} ended twice: ${finals.get(key)}, ${row.status}`);
    finals.set(key, row.status);
  }
  for (const [id, record] of books.deployments.records) {
    // Deploy has not had its turn.
    if (record.state === 'cancelled') continue;
    const { state, attempt } = record;
    const last = state === 'ended' ? attempt : attempt - 1;
    for (let one = 0; one <= last; one++)
      if (!finals.has(`${id}#${one}`)) findings.push(`attempt ${one} of ${id} ended without an outcome`);
    const truth = books.market.get(id);
    const known = finals.get(`${id}#${attempt}`);
    if (known !== undefined && truth !== undefined && known !== truth)
      findings.push(`${id}: outcome ${known}, the market says ${truth}`);
    if (state === 'live' && !books.deployments.live.has(id)) findings.push(`${id} lives and nobody watches it`);
  }
  for (const [id, offer] of books.decided)
    if (offer !== null && !books.deployments.records.has(id)) findings.push(`${id} was decided and never deployed`);
  return finals.size;
}

/** Every version is intact, the aliases name whole ones. Answers how many versions there are. */
export async function checkModels(objects: Objects, findings: string[]): Promise<number> {
  const registry = createRegistry({ objects, worldClock: fakeClock() });
  const versions = await registry.listVersions();
  for (const version of versions) await registry.loadVersion(version);
  for (const alias of ['champion', 'apprentice'] as const) {
    const version = (await registry.aliasHead(alias))?.version ?? null;
    if (version !== null && !versions.includes(version)) findings.push(`${alias} is on ${version}, which is not whole`);
  }
  return versions.length;
}

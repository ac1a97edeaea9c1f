/**
 * The books after the fact: what tenants were told, what the warehouse holds, what state says of the deployments and what
 * the market really ran. Opened after the stack has ended; every finding is a line of plain text, none is the promise kept.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { createFilesystemObjects } from '#shared/adapters/objects/filesystem.ts';
import { createSqliteState } from '#shared/adapters/state/sqlite.ts';
import { createDuckdbWarehouse } from '#shared/adapters/warehouse/duckdb.ts';
import { type DeploymentRecord, deploymentRecord, LIVE_PREFIX } from '#shared/domain/deployment.ts';
import type { Warehouse } from '#shared/ports/warehouse.ts';
import { defineQuery, EVERY_DAY } from '#shared/queries/fragments.ts';
import { loopCounts } from '#shared/queries/loop-counts.ts';
import { createRegistry } from '#shared/registry/registry.ts';
import { createMarket } from '#sim/market/market.ts';
import type { MarketSpec } from '#sim/market/spec.ts';
import { sqliteStore } from '#sim/market/store.ts';
import { fakeClock } from '#test/support/clock.ts';
import type { Tenants } from './tenants.ts';

export interface Books {
  readonly directory: string;
  readonly spec: MarketSpec;
  readonly tenants: Tenants;
}

export interface Audit {
  /** What is wrong; empty when nothing is. */
  readonly findings: readonly string[];
  readonly decisions: number;
  readonly ended: number;
  readonly finals: number;
  readonly duplicates: number;
  readonly versions: number;
}

const decisionRows = defineQuery({
  name: 'audit_decisions',
  params: z.strictObject({}),
  row: z.object({ decision_id: z.string(), request_id: z.string(), final_offer_id: z.string().nullable(), n: z.int() }),
  sql: (dialect) => `
SELECT decision_id, request_id, final_offer_id, COUNT(*) AS n FROM ${dialect.table('routing_decisions_distinct')}
WHERE ${EVERY_DAY} GROUP BY ALL`,
});

const outcomeRows = defineQuery({
  name: 'audit_outcomes',
  params: z.strictObject({}),
  row: z.object({ decision_id: z.string(), attempt: z.int(), final: z.boolean(), status: z.string(), n: z.int() }),
  sql: (dialect) => `
SELECT decision_id, attempt, final, status, COUNT(*) AS n FROM ${dialect.table('routing_outcomes_distinct')}
WHERE ${EVERY_DAY} GROUP BY ALL`,
});

/** An instant by which every instance has met its fate. */
const THE_END_MS = Date.parse('2200-01-01T00:00:00Z');

export async function audit(books: Books): Promise<Audit> {
  const findings: string[] = [...books.tenants.contradictions];
  const deployments = await deploymentsOf(books.directory);
  const warehouse = await createDuckdbWarehouse({ file: join(books.directory, 'warehouse.duckdb') });
  try {
    const decided = await checkDecisions(warehouse, books.tenants, findings);
    const market = checkMarket(books, deployments.records, findings);
    const finals = await checkOutcomes(warehouse, { decided, deployments, market }, findings);
    const [counts] = await warehouse.query(loopCounts, {});
    if (counts?.rejected !== 0) findings.push(`${counts?.rejected} rejected events`);
    return {
      findings,
      decisions: decided.size,
      ended: [...deployments.records.values()].filter(({ state }) => state === 'ended').length,
      finals,
      duplicates: (counts?.decisions_accepted ?? 0) - (counts?.decisions_distinct ?? 0),
      versions: await checkModels(books.directory, findings),
    };
  } finally {
    await warehouse.close();
  }
}

/** Acknowledged exactly once with the acknowledged offer; nothing on record that nobody asked for. Answers decision id -> offer. */
async function checkDecisions(
  warehouse: Warehouse,
  tenants: Tenants,
  findings: string[],
): Promise<ReadonlyMap<string, string | null>> {
  const rows = await warehouse.query(decisionRows, {});
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

interface Deployments {
  readonly records: ReadonlyMap<string, DeploymentRecord>;
  readonly live: ReadonlySet<string>;
}

async function deploymentsOf(directory: string): Promise<Deployments> {
  const state = await createSqliteState({ file: join(directory, 'state.sqlite'), hostClock: fakeClock() });
  try {
    const entries = await state.list('deployments/', { limit: 1_000_000 });
    const live = await state.list(LIVE_PREFIX, { limit: 1_000_000 });
    return {
      records: new Map(
        entries.map(({ key, value }) => [key.slice('deployments/'.length), deploymentRecord.parse(value)]),
      ),
      live: new Set(live.map(({ key }) => key.slice(LIVE_PREFIX.length))),
    };
  } finally {
    await state.close();
  }
}

/** One instance at most per decision, for the offer on record. Answers decision id -> how the instance truly ended. */
function checkMarket(
  { directory, spec }: Books,
  records: ReadonlyMap<string, DeploymentRecord>,
  findings: string[],
): ReadonlyMap<string, string> {
  const market = createMarket({ spec, seed: 0, deviation: 1, store: sqliteStore(join(directory, 'market.sqlite')) });
  try {
    const fates = new Map<string, string>();
    for (const { label, instance_id, offer_id } of market.instances(THE_END_MS)) {
      if (fates.has(label)) findings.push(`deployed twice: ${label}, again as ${instance_id} on ${offer_id}`);
      fates.set(label, market.status(instance_id, THE_END_MS)?.state ?? 'unknown');
      const record = records.get(label);
      if (record === undefined) findings.push(`instance ${instance_id} of ${label}, which no record knows`);
      else if (offerOf(record) !== offer_id)
        findings.push(`${label}: instance on ${offer_id}, record says ${offerOf(record)}`);
    }
    return fates;
  } finally {
    market.close();
  }
}

const offerOf = (record: DeploymentRecord): string | null =>
  record.state === 'ended' ? record.offer_id : record.request.option.offer_id;

/** Every attempt that ended has one final outcome, the one that the market knows; no outcome without decision. */
async function checkOutcomes(
  warehouse: Warehouse,
  books: {
    readonly decided: ReadonlyMap<string, string | null>;
    readonly deployments: Deployments;
    readonly market: ReadonlyMap<string, string>;
  },
  findings: string[],
): Promise<number> {
  const finals = new Map<string, string>();
  for (const row of await warehouse.query(outcomeRows, {})) {
    const key = `${row.decision_id}#${row.attempt}`;
    if (row.n !== 1) findings.push(`outcome ${key} ${row.status} is there ${row.n} times`);
    if (!books.decided.has(row.decision_id)) findings.push(`outcome of ${key}, which was never decided`);
    if (!row.final) continue;
    if (finals.has(key)) findings.push(`${key} ended twice: ${finals.get(key)}, ${row.status}`);
    finals.set(key, row.status);
  }
  for (const [id, { state, attempt }] of books.deployments.records) {
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
async function checkModels(directory: string, findings: string[]): Promise<number> {
  const objects = await createFilesystemObjects({ directory: join(directory, 'objects') });
  try {
    const registry = createRegistry({ objects, worldClock: fakeClock() });
    const versions = await registry.listVersions();
    for (const version of versions) await registry.loadVersion(version);
    for (const alias of ['champion', 'apprentice'] as const) {
      const version = (await registry.aliasHead(alias))?.version ?? null;
      if (version !== null && !versions.includes(version))
        findings.push(`${alias} is on ${version}, which is not whole`);
    }
    return versions.length;
  } finally {
    await objects.close();
  }
}

/**
 * The books after the fact: what tenants were told, what the warehouse holds, what state says of the deployments and what
 * the market really ran. Opened after the stack has ended; every finding is a line of plain text, none is the promise kept.
 */
import { join } from 'node:path';
import { createFilesystemObjects } from '#shared/adapters/objects/filesystem.ts';
import { createSqliteState } from '#shared/adapters/state/sqlite.ts';
import { createDuckdbWarehouse } from '#shared/adapters/warehouse/duckdb.ts';
import type { DeploymentRecord } from '#shared/domain/deployment.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { loopCounts } from '#shared/queries/loop-counts.ts';
import { closeTogether } from '#shared/runtime/closing.ts';
import { createMarket } from '#sim/market/market.ts';
import type { MarketSpec } from '#sim/market/spec.ts';
import { sqliteStore } from '#sim/market/store.ts';
import { fakeClock } from '#test/support/clock.ts';
import { checkDecisions, checkModels, checkOutcomes, deploymentsIn } from './record-audit.ts';
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

/** An instant by which every instance has met its fate. */
const THE_END_MS = Date.parse('2200-01-01T00:00:00Z');

export async function audit(books: Books): Promise<Audit> {
  const { directory, tenants } = books;
  const findings: string[] = [...tenants.contradictions];
  const state = await createSqliteState({ file: join(directory, 'state.sqlite'), hostClock: fakeClock() });
  const objects = await createFilesystemObjects({ directory: join(directory, 'objects') });
  const warehouse = await createDuckdbWarehouse({ file: join(directory, 'warehouse.duckdb') });
  try {
    const deployments = await deploymentsIn(state);
    const recorded = { warehouse, since: rfc3339(0) };
    const decided = await checkDecisions(recorded, tenants, findings);
    const market = checkMarket(books, deployments.records, findings);
    const finals = await checkOutcomes(recorded, { decided, deployments, market }, findings);
    const [counts] = await warehouse.query(loopCounts, {});
    if (counts?.rejected !== 0) findings.push(`${counts?.rejected} rejected events`);
    return {
      findings,
      decisions: decided.size,
      ended: [...deployments.records.values()].filter(({ state }) => state === 'ended').length,
      finals,
      duplicates: (counts?.decisions_accepted ?? 0) - (counts?.decisions_distinct ?? 0),
      versions: await checkModels(objects, findings),
    };
  } finally {
    await closeTogether([warehouse, objects, state].map((port) => () => port.close()));
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
    for (const { label: carried, instance_id, offer_id } of market.instances(THE_END_MS)) {
      const label = decisionOf(carried);
      if (fates.has(label)) findings.push(`deployed twice: ${label}, again as ${instance_id} on ${offer_id}`);
      fates.set(label, market.status(instance_id, THE_END_MS)?.state ?? 'unknown');
      const record = records.get(label);
      if (record === undefined) findings.push(`instance ${instance_id} of ${label}, which no record knows`);
      else if (carried === label && offerOf(record) !== offer_id)
        findings.push(`${label}: instance on ${offer_id}, record says ${offerOf(record)}`);
    }
    return fates;
  } finally {
    market.close();
  }
}

/** An adapter's instances carry its installation's mark, and their offers have the marketplace's own ids. */
const decisionOf = (label: string): string => label.replace(/^aurora-[0-9a-f]{8}-/, '');

const offerOf = (record: DeploymentRecord): string | null => {
  if (record.state === 'cancelled') return null;
  return record.state === 'ended' ? record.offer_id : record.request.option.offer_id;
};

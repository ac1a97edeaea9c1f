/** The books of the cloud after the fact. Every finding is a line of plain text, none is the promise kept. */
import { z } from 'zod';
import { type Entry, entryOfRow } from '#functions/learn/study/entry.ts';
import { decodeStatistics } from '#functions/learn/study/statistics.ts';
import { LINEAR } from '#shared/domain/actor.ts';
import { rfc3339, timestamp } from '#shared/domain/primitives.ts';
import { statisticsObject } from '#shared/learning/fast/learned-objects.ts';
import type { Objects } from '#shared/ports/objects.ts';
import type { Warehouse } from '#shared/ports/warehouse.ts';
import { defineQuery, EVERY_DAY } from '#shared/queries/fragments.ts';
import { lessonRows } from '#shared/queries/learning.ts';
import { loopCounts } from '#shared/queries/loop-counts.ts';
import { checkDecisions, checkModels, checkOutcomes, deploymentsIn, type Recorded } from '../record-audit.ts';
import type { Tenants } from '../tenants.ts';
import type { Cloud } from './cloud.ts';

export interface CloudAudit {
  /** What is wrong; empty when nothing is. */
  readonly findings: readonly string[];
  /** Attempts that ended. */
  readonly finals: number;
  /** Outcomes that the learner has taken in. */
  readonly learnt: number;
  /** Rows that came more than once. */
  readonly duplicates: number;
  readonly versions: number;
}

export async function auditCloud(cloud: Cloud, tenants: Tenants): Promise<CloudAudit> {
  const { platform, market } = cloud;
  const findings = [
    ...tenants.contradictions,
    ...cloud.findings,
    ...cloud.deadLetters.map((letter) => `dead letter of ${letter.slice(0, 200)}`),
    ...market.twice.map((label) => `deployed twice: ${label}`),
  ];
  const warehouse = await platform.warehouse();
  const objects = await platform.objects();
  const deployments = await deploymentsIn(await platform.state());
  const recorded = { warehouse, since: cloud.since };
  const decided = await checkDecisions(recorded, tenants, findings);
  const finals = await checkOutcomes(recorded, { decided, deployments, market: market.fates() }, findings);
  await checkPublished(recorded, cloud.published, findings);
  const [counts] = await warehouse.query(loopCounts, {});
  if (counts?.rejected !== 0) findings.push(`${counts?.rejected} rejected events`);
  return {
    findings,
    finals,
    learnt: await checkLearner(objects, await lessonsOf(warehouse), findings),
    duplicates:
      (counts?.decisions_accepted ?? 0) -
      (counts?.decisions_distinct ?? 0) +
      (counts?.outcomes_accepted ?? 0) -
      (counts?.outcomes_distinct ?? 0),
    versions: await checkModels(objects, findings),
  };
}

const outcomeIds = defineQuery({
  name: 'audit_outcome_ids',
  params: z.strictObject({ since: timestamp }),
  row: z.object({ event_id: z.string(), n: z.int() }),
  sql: (dialect) => `
SELECT event_id, COUNT(*) AS n FROM ${dialect.table('routing_outcomes_distinct')}
WHERE ${EVERY_DAY} AND decided_at >= ${dialect.timestamp(dialect.param('since'))} GROUP BY event_id`,
});

/** What was published is on record once, and nothing else is. */
async function checkPublished(
  { warehouse, since }: Recorded,
  published: ReadonlySet<string>,
  findings: string[],
): Promise<void> {
  const onRecord = new Map((await warehouse.query(outcomeIds, { since })).map(({ event_id, n }) => [event_id, n]));
  for (const id of published)
    if (onRecord.get(id) !== 1)
      findings.push(`outcome ${id} was published and is there ${onRecord.get(id) ?? 0} times`);
  for (const id of onRecord.keys()) if (!published.has(id)) findings.push(`outcome ${id}, which nobody published`);
}

async function lessonsOf(warehouse: Warehouse): Promise<readonly Entry[]> {
  const ever = rfc3339(0);
  const rows = await warehouse.query(lessonRows, { observed_from: ever, arrived_after: ever, limit: 1_000_000 });
  return rows.flatMap((row) => entryOfRow(row) ?? []);
}

/** Of an event id in the statistics (functions/learn/study/applied-ids.ts), in hexadecimal. */
const ID_CHARACTERS = 16;

/** The learner on its own has each lesson once: its id is there once, and each attempt counts once. Answers how many it has. */
async function checkLearner(objects: Objects, lessons: readonly Entry[], findings: string[]): Promise<number> {
  const stored = await objects.read(statisticsObject(LINEAR));
  if (stored === null) {
    findings.push('there are no statistics of the learner');
    return 0;
  }
  const { applied, learner } = decodeStatistics(LINEAR, stored.bytes);
  const ids = Buffer.from(applied, 'base64').toString('hex').match(/.{16}/g) ?? [];
  const held = new Set(ids);
  if (ids.length !== held.size) findings.push(`${ids.length - held.size} ids are twice in the statistics`);
  const wanted = new Set(lessons.map(({ eventId }) => eventId.slice(0, ID_CHARACTERS)));
  for (const id of wanted) if (!held.has(id)) findings.push(`outcome ${id}… was not learnt`);
  for (const id of held) if (!wanted.has(id)) findings.push(`outcome ${id}… was learnt and is not on record`);
  const attempts = new Set(lessons.filter(({ lesson }) => lesson.kind !== 'drop').map(({ lesson }) => lesson.seen.key));
  if (learner.observations !== attempts.size)
    findings.push(`${attempts.size} attempts on record, the learner counts ${learner.observations}`);
  if (learner.running.size > 0) findings.push(`the learner waits for the end of ${learner.running.size} ended runs`);
  return held.size;
}

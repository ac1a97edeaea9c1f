/** Frozen: a database that exists has run this text. Change the schema by a new migration. */
export const readyWithin = `
DROP VIEW "routing_outcomes_distinct";
ALTER TABLE "routing_outcomes" ADD COLUMN "ready_within_ms" DOUBLE;
CREATE VIEW "routing_outcomes_distinct" AS
SELECT * FROM "routing_outcomes" AS t WHERE true QUALIFY ROW_NUMBER() OVER (PARTITION BY t.event_date, t.event_id ORDER BY t.ingested_at, t.rowid) = 1;
`;

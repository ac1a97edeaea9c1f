/** Frozen: a database that exists has run this text. Change the schema by a new migration. */
export const offersSoldWhole = `
DROP VIEW "provider_offers_distinct";
ALTER TABLE "provider_offers" ADD COLUMN "gpu_count_min" BIGINT;
CREATE VIEW "provider_offers_distinct" AS
SELECT * FROM "provider_offers" AS t WHERE true QUALIFY ROW_NUMBER() OVER (PARTITION BY t.event_date, t.event_id ORDER BY t.ingested_at, t.rowid) = 1;
`;

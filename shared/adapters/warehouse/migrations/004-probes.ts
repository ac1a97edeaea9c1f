/** Frozen: a database that exists has run this text. Change the schema by a new migration. */
export const probes = `
CREATE TABLE "probe_requested" (
  "event_id" VARCHAR NOT NULL,
  "event_date" DATE NOT NULL,
  "ingested_at" TIMESTAMP NOT NULL,
  "schema_version" VARCHAR NOT NULL,
  "suite" VARCHAR NOT NULL,
  "requested_at" TIMESTAMP NOT NULL,
  "requested_by" VARCHAR NOT NULL
);
CREATE VIEW "probe_requested_distinct" AS
SELECT * FROM "probe_requested" AS t WHERE true QUALIFY ROW_NUMBER() OVER (PARTITION BY t.event_date, t.event_id ORDER BY t.ingested_at, t.rowid) = 1;
CREATE TABLE "probe_results" (
  "event_id" VARCHAR NOT NULL,
  "event_date" DATE NOT NULL,
  "ingested_at" TIMESTAMP NOT NULL,
  "schema_version" VARCHAR NOT NULL,
  "suite" VARCHAR NOT NULL,
  "run_id" VARCHAR NOT NULL,
  "check_id" VARCHAR NOT NULL,
  "kind" VARCHAR NOT NULL,
  "category" VARCHAR NOT NULL,
  "target" VARCHAR NOT NULL,
  "severity" VARCHAR NOT NULL,
  "status" VARCHAR NOT NULL,
  "observed_at" TIMESTAMP NOT NULL,
  "latency_ms" DOUBLE,
  "attempts" BIGINT NOT NULL,
  "evidence" JSON NOT NULL,
  "remedy" VARCHAR,
  "maintenance" VARCHAR
);
CREATE VIEW "probe_results_distinct" AS
SELECT * FROM "probe_results" AS t WHERE true QUALIFY ROW_NUMBER() OVER (PARTITION BY t.event_date, t.event_id ORDER BY t.ingested_at, t.rowid) = 1;
CREATE TABLE "alerts" (
  "event_id" VARCHAR NOT NULL,
  "event_date" DATE NOT NULL,
  "ingested_at" TIMESTAMP NOT NULL,
  "schema_version" VARCHAR NOT NULL,
  "suite" VARCHAR NOT NULL,
  "check_id" VARCHAR NOT NULL,
  "state" VARCHAR NOT NULL,
  "dedupe_key" VARCHAR NOT NULL,
  "changed_at" TIMESTAMP NOT NULL,
  "firing_since" TIMESTAMP NOT NULL,
  "severity" VARCHAR NOT NULL,
  "summary" VARCHAR NOT NULL,
  "remedy" VARCHAR,
  "run_id" VARCHAR NOT NULL
);
CREATE VIEW "alerts_distinct" AS
SELECT * FROM "alerts" AS t WHERE true QUALIFY ROW_NUMBER() OVER (PARTITION BY t.event_date, t.event_id ORDER BY t.ingested_at, t.rowid) = 1;
`;

/** Frozen: a database that exists has run this text. Change the schema by a new migration. */
export const eventTables = `
CREATE TABLE "routing_decisions" (
  "event_id" VARCHAR NOT NULL,
  "event_date" DATE NOT NULL,
  "ingested_at" TIMESTAMP NOT NULL,
  "schema_version" VARCHAR NOT NULL,
  "decision_id" VARCHAR NOT NULL,
  "request_id" VARCHAR NOT NULL,
  "decided_at" TIMESTAMP NOT NULL,
  "tenant_id" VARCHAR NOT NULL,
  "request" JSON NOT NULL,
  "offers_generation" VARCHAR,
  "candidates" JSON NOT NULL,
  "excluded" JSON NOT NULL,
  "excluded_total" BIGINT NOT NULL,
  "recommended_offer_id" VARCHAR,
  "final_provider" VARCHAR,
  "final_offer_id" VARCHAR,
  "mode" VARCHAR NOT NULL,
  "arm" VARCHAR,
  "overridden_by" VARCHAR,
  "propensity" DOUBLE,
  "salt_id" VARCHAR NOT NULL,
  "policy" JSON NOT NULL,
  "model_version" VARCHAR,
  "statistics_generation" VARCHAR,
  "model_age_s" DOUBLE,
  "offers_age_s" DOUBLE,
  "score_ms" DOUBLE,
  "decide_ms" DOUBLE NOT NULL,
  "fallback_reason" VARCHAR
);
CREATE VIEW "routing_decisions_distinct" AS
SELECT * FROM "routing_decisions" AS t WHERE true QUALIFY ROW_NUMBER() OVER (PARTITION BY t.event_date, t.event_id ORDER BY t.ingested_at, t.rowid) = 1;
CREATE TABLE "routing_outcomes" (
  "event_id" VARCHAR NOT NULL,
  "event_date" DATE NOT NULL,
  "ingested_at" TIMESTAMP NOT NULL,
  "schema_version" VARCHAR NOT NULL,
  "decision_id" VARCHAR NOT NULL,
  "attempt" BIGINT NOT NULL,
  "sequence" BIGINT NOT NULL,
  "provider" VARCHAR NOT NULL,
  "offer_id" VARCHAR NOT NULL,
  "observed_at" TIMESTAMP NOT NULL,
  "status" VARCHAR NOT NULL,
  "final" BOOLEAN NOT NULL,
  "blame" VARCHAR,
  "ready_ms" DOUBLE,
  "latency_ms" DOUBLE,
  "exposure_hours" DOUBLE,
  "useful_gpu_hours" DOUBLE,
  "billed_gpu_hours" DOUBLE,
  "cost_usd" DOUBLE,
  "effective_usd_per_gpu_hour" DOUBLE,
  "decided_at" TIMESTAMP NOT NULL,
  "tenant_id" VARCHAR NOT NULL,
  "request" JSON NOT NULL,
  "advertised_usd_per_gpu_hour" DOUBLE,
  "advertised_latency_ms" DOUBLE,
  "features" JSON,
  "mode" VARCHAR NOT NULL,
  "propensity" DOUBLE
);
CREATE VIEW "routing_outcomes_distinct" AS
SELECT * FROM "routing_outcomes" AS t WHERE true QUALIFY ROW_NUMBER() OVER (PARTITION BY t.event_date, t.event_id ORDER BY t.ingested_at, t.rowid) = 1;
CREATE TABLE "deployments_requested" (
  "event_id" VARCHAR NOT NULL,
  "event_date" DATE NOT NULL,
  "ingested_at" TIMESTAMP NOT NULL,
  "schema_version" VARCHAR NOT NULL,
  "decision_id" VARCHAR NOT NULL,
  "request_id" VARCHAR NOT NULL,
  "decided_at" TIMESTAMP NOT NULL,
  "requested_at" TIMESTAMP NOT NULL,
  "tenant_id" VARCHAR NOT NULL,
  "request" JSON NOT NULL,
  "mode" VARCHAR NOT NULL,
  "propensity" DOUBLE,
  "attempt" BIGINT NOT NULL,
  "option" JSON NOT NULL,
  "fallbacks" JSON NOT NULL
);
CREATE VIEW "deployments_requested_distinct" AS
SELECT * FROM "deployments_requested" AS t WHERE true QUALIFY ROW_NUMBER() OVER (PARTITION BY t.event_date, t.event_id ORDER BY t.ingested_at, t.rowid) = 1;
CREATE TABLE "provider_offers" (
  "event_id" VARCHAR NOT NULL,
  "event_date" DATE NOT NULL,
  "ingested_at" TIMESTAMP NOT NULL,
  "schema_version" VARCHAR NOT NULL,
  "provider" VARCHAR NOT NULL,
  "offer_id" VARCHAR NOT NULL,
  "gpu_type" VARCHAR NOT NULL,
  "gpu_count" BIGINT NOT NULL,
  "region" VARCHAR NOT NULL,
  "active" BOOLEAN NOT NULL,
  "usd_per_gpu_hour" DOUBLE NOT NULL,
  "latency_ms" DOUBLE,
  "latency_source" VARCHAR NOT NULL,
  "reputation" DOUBLE,
  "reputation_source" VARCHAR NOT NULL,
  "capacity_gpu_hours" DOUBLE,
  "capacity_total_gpu_hours" DOUBLE,
  "observed_at" TIMESTAMP NOT NULL
);
CREATE VIEW "provider_offers_distinct" AS
SELECT * FROM "provider_offers" AS t WHERE true QUALIFY ROW_NUMBER() OVER (PARTITION BY t.event_date, t.event_id ORDER BY t.ingested_at, t.rowid) = 1;
CREATE TABLE "training_requested" (
  "event_id" VARCHAR NOT NULL,
  "event_date" DATE NOT NULL,
  "ingested_at" TIMESTAMP NOT NULL,
  "schema_version" VARCHAR NOT NULL,
  "requested_at" TIMESTAMP NOT NULL,
  "requested_by" VARCHAR NOT NULL,
  "force" BOOLEAN NOT NULL,
  "seed" BIGINT NOT NULL
);
CREATE VIEW "training_requested_distinct" AS
SELECT * FROM "training_requested" AS t WHERE true QUALIFY ROW_NUMBER() OVER (PARTITION BY t.event_date, t.event_id ORDER BY t.ingested_at, t.rowid) = 1;
CREATE TABLE "model_trained" (
  "event_id" VARCHAR NOT NULL,
  "event_date" DATE NOT NULL,
  "ingested_at" TIMESTAMP NOT NULL,
  "schema_version" VARCHAR NOT NULL,
  "version" VARCHAR NOT NULL,
  "trained_at" TIMESTAMP NOT NULL,
  "training_rows" BIGINT NOT NULL,
  "holdout_rows" BIGINT NOT NULL,
  "backend" VARCHAR NOT NULL,
  "watermark" TIMESTAMP NOT NULL,
  "data_sha256" VARCHAR NOT NULL
);
CREATE VIEW "model_trained_distinct" AS
SELECT * FROM "model_trained" AS t WHERE true QUALIFY ROW_NUMBER() OVER (PARTITION BY t.event_date, t.event_id ORDER BY t.ingested_at, t.rowid) = 1;
CREATE TABLE "model_promoted" (
  "event_id" VARCHAR NOT NULL,
  "event_date" DATE NOT NULL,
  "ingested_at" TIMESTAMP NOT NULL,
  "schema_version" VARCHAR NOT NULL,
  "alias" VARCHAR NOT NULL,
  "sequence" BIGINT NOT NULL,
  "version" VARCHAR,
  "previous_version" VARCHAR,
  "promoted_at" TIMESTAMP NOT NULL,
  "verdict" VARCHAR,
  "promoted_by" VARCHAR NOT NULL,
  "reason" VARCHAR NOT NULL,
  "forced" BOOLEAN NOT NULL
);
CREATE VIEW "model_promoted_distinct" AS
SELECT * FROM "model_promoted" AS t WHERE true QUALIFY ROW_NUMBER() OVER (PARTITION BY t.event_date, t.event_id ORDER BY t.ingested_at, t.rowid) = 1;
CREATE TABLE "rejected_events" (
  "event_id" VARCHAR NOT NULL,
  "event_date" DATE NOT NULL,
  "ingested_at" TIMESTAMP NOT NULL,
  "schema_version" VARCHAR NOT NULL,
  "rejected_at" TIMESTAMP NOT NULL,
  "function_name" VARCHAR NOT NULL,
  "subscription" VARCHAR,
  "message_id" VARCHAR,
  "event_type" VARCHAR,
  "code" VARCHAR NOT NULL,
  "reason" VARCHAR NOT NULL,
  "raw_base64" VARCHAR NOT NULL,
  "attributes" JSON NOT NULL
);
CREATE VIEW "rejected_events_distinct" AS
SELECT * FROM "rejected_events" AS t WHERE true QUALIFY ROW_NUMBER() OVER (PARTITION BY t.event_date, t.event_id ORDER BY t.ingested_at, t.rowid) = 1;
`;

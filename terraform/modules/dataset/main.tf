# The record: one table for each kept event, partitioned by the day of the event, with the view in which each event counts once.
# Fields, partition and view come from the same source as DuckDB's (terraform/schemas, generated).

locals {
  index = jsondecode(file("${path.module}/../../schemas/index.json"))
}

resource "google_bigquery_dataset" "this" {
  project                    = var.project
  dataset_id                 = var.dataset_id
  location                   = var.location
  labels                     = var.labels
  description                = "Decisions, outcomes and offers of Aurora Intelligence."
  delete_contents_on_destroy = !var.protected
}

resource "google_bigquery_table" "event" {
  for_each = local.index.tables

  project                  = var.project
  dataset_id               = google_bigquery_dataset.this.dataset_id
  table_id                 = each.key
  labels                   = var.labels
  schema                   = file("${path.module}/../../schemas/${each.key}.json")
  clustering               = each.value.cluster_by
  require_partition_filter = each.value.require_partition_filter
  deletion_protection      = var.protected

  time_partitioning {
    type          = each.value.partition_type
    field         = each.value.partition_by
    expiration_ms = var.keep_days == null ? null : var.keep_days * 86400000
  }
}

resource "google_bigquery_table" "distinct" {
  for_each = local.index.tables

  project             = var.project
  dataset_id          = google_bigquery_dataset.this.dataset_id
  table_id            = each.value.view
  labels              = var.labels
  deletion_protection = false

  view {
    query          = replace(each.value.view_query, "PROJECT.DATASET", "${var.project}.${var.dataset_id}")
    use_legacy_sql = false
  }

  depends_on = [google_bigquery_table.event]
}

resource "google_bigquery_dataset_iam_member" "reader" {
  for_each = var.readers

  project    = var.project
  dataset_id = google_bigquery_dataset.this.dataset_id
  role       = "roles/bigquery.dataViewer"
  member     = "serviceAccount:${each.value}"
}

resource "google_bigquery_dataset_iam_member" "writer" {
  for_each = var.writers

  project    = var.project
  dataset_id = google_bigquery_dataset.this.dataset_id
  role       = "roles/bigquery.dataEditor"
  member     = "serviceAccount:${each.value}"
}

# A query is a job, and a job is the project's: there is no narrower place to grant this.
resource "google_project_iam_member" "query" {
  for_each = var.readers

  project = var.project
  role    = "roles/bigquery.jobUser"
  member  = "serviceAccount:${each.value}"
}

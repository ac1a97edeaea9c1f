# What the probe may on the project: one permission each, for the ready-made roles that hold them read half of it; and on topics of others.

# How much waits in Pub/Sub, and so how many dead letters there are, Cloud Monitoring tells without taking any.
resource "google_project_iam_custom_role" "probe_counts" {
  project     = var.project
  role_id     = "auroraProbeCounts"
  title       = "Aurora: the probe reads counts"
  description = "Reads time series of Cloud Monitoring: how many dead letters wait."
  permissions = ["monitoring.timeSeries.list"]
}

resource "google_project_iam_member" "probe_counts" {
  project = var.project
  role    = google_project_iam_custom_role.probe_counts.name
  member  = "serviceAccount:${google_service_account.function["probe"].email}"
}

# The DNS name of a control plane lets through whoever has this; what he may read there, RBAC says (terraform/kubernetes/probe).
resource "google_project_iam_custom_role" "probe_connects" {
  for_each = local.connects

  project     = var.project
  role_id     = "auroraProbeConnects"
  title       = "Aurora: the probe connects to a cluster"
  description = "Connects to a control plane by its DNS name, and may read nothing there by that alone."
  permissions = ["container.clusters.connect"]
}

resource "google_project_iam_member" "probe_connects" {
  for_each = local.connects

  project = var.project
  role    = google_project_iam_custom_role.probe_connects[each.key].name
  member  = "serviceAccount:${google_service_account.function["probe"].email}"

  condition {
    title       = "one-cluster"
    description = "To this cluster and no other of the project."
    expression  = "resource.name.endsWith(\"/clusters/${each.value}\")"
  }
}

locals {
  # Whose DNS name the probe connects to; none: there is no cluster, or it is reached by its address.
  connects = var.cluster == null ? {} : var.cluster.name == null ? {} : { cluster = var.cluster.name }

  probe_rbac = var.cluster == null ? null : templatefile("${path.module}/../kubernetes/probe/rbac.yaml.tftpl", {
    namespace     = var.cluster.namespace
    probe_account = google_service_account.function["probe"].email
  })
}

# Topics of others, on which probe puts a job for a service that is to wake: the check scale_to_zero.
resource "google_pubsub_topic_iam_member" "probe_jobs" {
  for_each = var.job_topics

  project = var.project
  topic   = each.value
  role    = "roles/pubsub.publisher"
  member  = "serviceAccount:${google_service_account.function["probe"].email}"
}

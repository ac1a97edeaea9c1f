# A service account for each function, and two that call: Pub/Sub's pushes and the clock.

data "google_project" "this" {
  project_id = var.project
}

locals {
  pubsub_agent = "service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_service_account" "function" {
  for_each = local.functions

  project      = var.project
  account_id   = "aurora-${each.key}"
  display_name = "Aurora: ${each.key}"
}

resource "google_service_account" "pusher" {
  project      = var.project
  account_id   = "aurora-pusher"
  display_name = "Aurora: pushes of Pub/Sub"
}

resource "google_service_account" "clock" {
  project      = var.project
  account_id   = "aurora-clock"
  display_name = "Aurora: calls of Cloud Scheduler"
}

# Pub/Sub makes out the ID tokens of its pushes as that account.
resource "google_service_account_iam_member" "pusher_tokens" {
  service_account_id = google_service_account.pusher.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = "serviceAccount:${local.pubsub_agent}"
}

# Whoever releases asks the new revisions as their callers: those of ours. Tenants' accounts are their owners' to grant.
resource "google_service_account_iam_member" "asker" {
  for_each = {
    for pair in setproduct(["pusher", "clock", "route", "probe"], keys(var.builders)) : join("/", pair) => { caller = pair[0], email = var.builders[pair[1]] }
  }

  service_account_id = {
    pusher = google_service_account.pusher.name
    clock  = google_service_account.clock.name
    route  = google_service_account.function["route"].name
    probe  = google_service_account.function["probe"].name
  }[each.value.caller]
  role   = "roles/iam.serviceAccountTokenCreator"
  member = "serviceAccount:${each.value.email}"
}

# Whoever brings an image to a service runs it as the service's account.
resource "google_service_account_iam_member" "deployer" {
  for_each = {
    for pair in setproduct(keys(local.functions), keys(var.builders)) : join("/", pair) => { function = pair[0], email = var.builders[pair[1]] }
  }

  service_account_id = google_service_account.function[each.value.function].name
  role               = "roles/iam.serviceAccountUser"
  member             = "serviceAccount:${each.value.email}"
}

module "topic" {
  source   = "../modules/topic"
  for_each = toset(local.topology.topics)

  project       = var.project
  name          = each.key
  regions       = var.message_regions
  service_agent = local.pubsub_agent
  labels        = local.labels

  publishers = {
    for name, function in local.functions : name => google_service_account.function[name].email
    if contains(function.publishes, each.key)
  }
}

# Topics of others, on which probe puts a job for a service that is to wake: the check scale_to_zero.
resource "google_pubsub_topic_iam_member" "probe_jobs" {
  for_each = var.job_topics

  project = var.project
  topic   = each.value
  role    = "roles/pubsub.publisher"
  member  = "serviceAccount:${google_service_account.function["probe"].email}"
}

# A topic, and beside it the topic to which its subscriptions give up what cannot be delivered. Nothing is ever lost there:
# it has a subscription of its own, which keeps for the longest time Pub/Sub offers and never expires.

resource "google_pubsub_topic" "this" {
  project                    = var.project
  name                       = var.name
  labels                     = var.labels
  message_retention_duration = "604800s"

  message_storage_policy {
    allowed_persistence_regions = var.regions
  }
}

resource "google_pubsub_topic" "dead_letter" {
  project = var.project
  name    = "${var.name}-dead-letter"
  labels  = var.labels

  message_storage_policy {
    allowed_persistence_regions = var.regions
  }
}

resource "google_pubsub_subscription" "dead_letter" {
  project                    = var.project
  name                       = "${var.name}-dead-letter"
  topic                      = google_pubsub_topic.dead_letter.id
  labels                     = var.labels
  ack_deadline_seconds       = 60
  message_retention_duration = "2678400s"

  expiration_policy {
    ttl = ""
  }
}

# Pub/Sub itself forwards dead letters, as its service agent.
resource "google_pubsub_topic_iam_member" "dead_letter_forwarder" {
  project = var.project
  topic   = google_pubsub_topic.dead_letter.id
  role    = "roles/pubsub.publisher"
  member  = "serviceAccount:${var.service_agent}"
}

resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = var.publishers

  project = var.project
  topic   = google_pubsub_topic.this.id
  role    = "roles/pubsub.publisher"
  member  = "serviceAccount:${each.value}"
}

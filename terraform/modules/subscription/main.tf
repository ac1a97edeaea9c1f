# Who hears a topic: a push to a function's URL with an ID token, again and again with growing pauses, and in the end to the
# dead-letter topic. Push and not the eventarc trigger of Cloud Functions: that one has no dead letters.

resource "google_pubsub_subscription" "this" {
  project                    = var.project
  name                       = var.name
  topic                      = var.topic
  labels                     = var.labels
  ack_deadline_seconds       = var.ack_deadline_seconds
  enable_message_ordering    = var.ordered
  message_retention_duration = "604800s"

  push_config {
    push_endpoint = var.push_url

    oidc_token {
      service_account_email = var.pusher
      audience              = var.audience
    }
  }

  retry_policy {
    minimum_backoff = "${var.backoff_seconds.min}s"
    maximum_backoff = "${var.backoff_seconds.max}s"
  }

  dead_letter_policy {
    dead_letter_topic     = var.dead_letter_topic
    max_delivery_attempts = var.max_attempts
  }

  # Else a subscription that nothing was pushed to for 31 days is deleted.
  expiration_policy {
    ttl = ""
  }
}

# To forward a dead letter, Pub/Sub's service agent acknowledges it here.
resource "google_pubsub_subscription_iam_member" "service_agent" {
  project      = var.project
  subscription = google_pubsub_subscription.this.id
  role         = "roles/pubsub.subscriber"
  member       = "serviceAccount:${var.service_agent}"
}

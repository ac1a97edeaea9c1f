output "id" {
  description = "Full name of the topic."
  value       = google_pubsub_topic.this.id
}

output "dead_letter_id" {
  description = "Full name of its dead-letter topic."
  value       = google_pubsub_topic.dead_letter.id
}

output "dead_letter_subscription" {
  description = "Name of the subscription that keeps the dead letters."
  value       = google_pubsub_subscription.dead_letter.name
}

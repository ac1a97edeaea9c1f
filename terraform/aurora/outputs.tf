output "urls" {
  description = "URL of each function."
  value       = { for name, function in module.function : name => function.url }
}

output "bucket" {
  description = "AURORA_BUCKET."
  value       = module.bucket.name
}

output "dataset" {
  description = "AURORA_DATASET."
  value       = module.dataset.dataset_id
}

output "dead_letters" {
  description = "Subscriptions that keep dead letters, by topic."
  value       = { for name, topic in module.topic : name => topic.dead_letter_subscription }
}

output "urls" {
  description = "URL of each service, which is also its audience."
  value       = { for name in keys(module.function) : name => local.url[name] }
}

output "training_job" {
  description = "Name of the job that trains."
  value       = local.training_job
}

output "registry" {
  description = "What the names of the images begin with."
  value       = module.registry.url
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

output "secrets" {
  description = "Secrets whose values are put in by hand."
  value       = [for secret in module.secret : secret.id]
}

output "probe_rbac" {
  description = "What the probe may read of the cluster, as terraform/kubernetes/probe says it; null: there is no cluster."
  value       = local.probe_rbac
}

output "kustomization" {
  description = "What the cluster's overlay of terraform/kubernetes says; null: there is no cluster."
  value       = local.kustomization
}

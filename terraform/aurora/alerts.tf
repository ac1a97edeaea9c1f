module "alerts" {
  source = "../modules/alerts"

  project               = var.project
  notification_channels = var.notification_channels
  labels                = local.labels

  dead_letter_subscriptions = [for topic in module.topic : topic.dead_letter_subscription]
  push_subscriptions        = [for subscription in module.subscription : subscription.name]
  training_job              = local.training_job
  # There from the day on which the code has the topic.
  probe_topic = contains(local.topology.topics, "probe-results") ? "probe-results" : null

  services = {
    for name, function in local.functions : name => {
      service         = module.function[name].name
      awaited         = function.awaited
      timeout_seconds = local.timeout_seconds[name]
    }
  }

  # Null: as modules/alerts has it.
  dead_letters            = lookup(var.thresholds, "dead_letters", null)
  oldest_message_seconds  = lookup(var.thresholds, "oldest_message_seconds", null)
  probe_silence_seconds   = lookup(var.thresholds, "probe_silence_seconds", null)
  model_away_seconds      = lookup(var.thresholds, "model_away_seconds", null)
  latency_p95_ms          = lookup(var.thresholds, "latency_p95_ms", null)
  score_latency_p95_ms    = lookup(var.thresholds, "score_latency_p95_ms", null)
  background_latency_part = lookup(var.thresholds, "background_latency_part", null)
  error_part              = lookup(var.thresholds, "error_part", null)
}

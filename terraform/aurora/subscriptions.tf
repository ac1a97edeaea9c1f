module "subscription" {
  source   = "../modules/subscription"
  for_each = local.topology.subscriptions

  project              = var.project
  name                 = each.key
  topic                = module.topic[each.value.topic].id
  dead_letter_topic    = module.topic[each.value.topic].dead_letter_id
  push_url             = module.function[each.value.function].url
  audience             = local.url[each.value.function]
  pusher               = google_service_account.pusher.email
  ack_deadline_seconds = each.value.ack_deadline_seconds
  backoff_seconds      = local.topology.backoff_seconds
  max_attempts         = each.value.max_attempts
  ordered              = each.value.ordered
  service_agent        = local.pubsub_agent
  labels               = local.labels

  depends_on = [google_service_account_iam_member.pusher_tokens]
}

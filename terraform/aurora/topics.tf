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

module "cron" {
  source   = "../modules/cron"
  for_each = { for name, function in local.functions : name => function if function.every != null }

  project          = var.project
  region           = var.region
  name             = each.key
  schedule         = each.value.every
  url              = module.function[each.key].url
  audience         = local.url[each.key]
  caller           = google_service_account.clock.email
  deadline_seconds = local.timeout_seconds[each.key]
}

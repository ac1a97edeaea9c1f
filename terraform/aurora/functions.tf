locals {
  # By function, what calls it: Pub/Sub where it has a subscription, the clock where it is asked regularly, route and score whom
  # the environment names, score the probe too, which asks it for a score.
  callers = {
    for name, function in local.functions : name => merge(
      contains([for subscription in values(local.topology.subscriptions) : subscription.function], name) ? { pusher = google_service_account.pusher.email } : {},
      function.every == null ? {} : { clock = google_service_account.clock.email },
      name == "score" ? { route = google_service_account.function["route"].email, probe = google_service_account.function["probe"].email } : {},
      function.awaited ? var.callers : {},
    )
  }

  # Whom Cloud Run lets through beside those, to what a function tells everybody: /health, /ready, /metrics. That is the probe
  # (shared/probes/suites/loop.yaml); at every other door the function refuses it.
  lookers = { for name in keys(local.functions) : name => contains(["probe", "score"], name) ? {} : { probe = google_service_account.function["probe"].email } }

  # The environment (shared/config.ts): what everybody needs, and what those have that name it in topology.tf.
  common_env = {
    AURORA_PLATFORM  = "gcp"
    AURORA_PROJECT   = var.project
    AURORA_BUCKET    = module.bucket.name
    AURORA_DATASET   = module.dataset.dataset_id
    AURORA_LOCATION  = var.location
    AURORA_LOG_LEVEL = var.log_level
  }
  own_env = {
    AURORA_MAX_BYTES_BILLED = tostring(var.max_bytes_billed)
    AURORA_SCORE_URL        = local.url["score"]
    AURORA_STAGE            = var.stage
    AURORA_TRAINING_JOB     = "projects/${var.project}/locations/${var.region}/jobs/${local.training_job}"
  }
  env = {
    for name, function in local.functions : name => merge(local.common_env, { for variable in function.env : variable => local.own_env[variable] })
  }
}

module "function" {
  source   = "../modules/function"
  for_each = local.functions

  project         = var.project
  region          = var.region
  name            = each.key
  image           = var.image
  service_account = google_service_account.function[each.key].email
  audience        = local.url[each.key]
  callers         = local.callers[each.key]
  lookers         = local.lookers[each.key]
  deployers       = var.builders
  ingress         = "INGRESS_TRAFFIC_ALL"
  cpu             = each.value.cpu
  memory          = each.value.memory
  always_on       = each.value.always_on
  instances       = each.value.instances
  concurrency     = each.value.parallel
  timeout_seconds = local.timeout_seconds[each.key]
  env             = local.env[each.key]
  secrets         = { for variable in local.secrets[each.key] : variable => module.secret[variable].id }
  labels          = local.labels
}

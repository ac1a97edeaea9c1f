# A training may outlast a push: the service `train` takes the request and starts this job, which is the same code as the same
# identity.

locals {
  training_job = "aurora-train-job"
}

module "training_job" {
  source = "../modules/job"

  project         = var.project
  region          = var.region
  name            = local.training_job
  function        = "train"
  image           = var.image
  service_account = google_service_account.function["train"].email
  deployers       = var.builders
  starters        = { train = google_service_account.function["train"].email }
  cpu             = local.functions["train"].cpu
  memory          = local.functions["train"].memory
  timeout_seconds = 3600
  max_retries     = 3
  labels          = local.labels

  # All that the service has, but not the job's name: the job trains, and starts no other.
  env = { for variable, value in local.env["train"] : variable => value if variable != "AURORA_TRAINING_JOB" }
}

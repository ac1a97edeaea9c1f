# State of its own, in a bucket that is there before anything else (docs/operations/DEPLOY.md): terraform init
# -backend-config=bucket=STATE_BUCKET
terraform {
  backend "gcs" {
    prefix = "aurora/prod"
  }
}

provider "google" {
  project = var.project
  region  = var.region
}

module "aurora" {
  source = "../../aurora"

  project         = var.project
  environment     = "prod"
  region          = var.region
  location        = var.location
  message_regions = [var.region]
  bucket          = "${var.project}-aurora-prod"
  image           = var.image
  callers         = var.callers
  stage           = "apprentice"
  keep_days       = null
}

output "aurora" {
  description = "URLs, bucket, dataset and dead letters."
  value       = module.aurora
}

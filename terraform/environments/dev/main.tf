# State of its own, in a bucket that is there before anything else (docs/operations/DEPLOY.md): terraform init
# -backend-config=bucket=STATE_BUCKET
terraform {
  backend "gcs" {
    prefix = "aurora/dev"
  }
}

provider "google" {
  project = var.project
  region  = var.region
}

module "aurora" {
  source = "../../aurora"

  project         = var.project
  environment     = "dev"
  region          = var.region
  location        = var.location
  message_regions = [var.region]
  bucket          = "${var.project}-aurora-dev"
  image           = var.image
  callers         = var.callers
  stage           = "auto"
  keep_days       = 30
}

output "aurora" {
  description = "URLs, bucket, dataset and dead letters."
  value       = module.aurora
}

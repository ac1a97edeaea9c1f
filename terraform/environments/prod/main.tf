# State of its own, in a bucket that is there before anything else: terraform init -backend-config=bucket=STATE_BUCKET
# (terraform/README.md).
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

  project               = var.project
  environment           = "prod"
  region                = var.region
  location              = var.location
  message_regions       = [var.region]
  bucket                = "${var.project}-aurora-prod"
  image                 = var.image
  callers               = var.callers
  builders              = var.builders
  marketplaces          = var.marketplaces
  job_topics            = var.job_topics
  cluster               = var.cluster
  notification_channels = var.notification_channels
  thresholds            = var.thresholds
  protected             = var.protected
  stage                 = "apprentice"
  keep_days             = null
}

output "aurora" {
  description = "All that aurora/outputs.tf says."
  value       = module.aurora
}

output "kustomization" {
  description = "For terraform/kubernetes/overlays/prod/kustomization.yaml: terraform output -raw kustomization."
  value       = module.aurora.kustomization
}

output "probe_rbac" {
  description = "For kubectl apply: terraform output -raw probe_rbac."
  value       = module.aurora.probe_rbac
}

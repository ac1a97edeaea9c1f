module "registry" {
  source = "../modules/registry"

  project    = var.project
  region     = var.region
  name       = "aurora"
  writers    = var.builders
  readers    = var.cluster == null ? {} : { nodes = var.cluster.nodes }
  keep_count = 20
  keep_days  = 30
  labels     = local.labels
}

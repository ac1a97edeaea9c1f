# The keys of the marketplaces. Terraform makes the empty secrets and says who may read them; the keys are put in by hand and are
# in no state.

module "provider_key" {
  source   = "../modules/secret"
  for_each = toset(var.marketplaces)

  project = var.project
  region  = var.region
  name    = "AURORA_PROVIDER_${upper(each.key)}_KEY"
  labels  = local.labels

  readers = {
    for name, function in local.functions : name => google_service_account.function[name].email
    if function.keys
  }
}

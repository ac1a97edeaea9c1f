# The keys of the marketplaces, and who the tenants are. Terraform makes the empty secrets and says who may read them; their values
# are put in by hand and are in no state. A service is refused while a secret of its has no value, so they come before the services (terraform/README.md).

locals {
  # By function, the variables whose values are secrets; a secret has the name of its variable.
  secrets = {
    for name, function in local.functions : name => concat(
      [for marketplace in var.marketplaces : "AURORA_PROVIDER_${upper(marketplace)}_KEY" if function.keys],
      function.secrets,
    )
  }
}

module "secret" {
  source   = "../modules/secret"
  for_each = toset(flatten(values(local.secrets)))

  project = var.project
  region  = var.region
  name    = each.key
  labels  = local.labels

  readers = {
    for name, function in local.functions : name => google_service_account.function[name].email
    if contains(local.secrets[name], each.key)
  }
}

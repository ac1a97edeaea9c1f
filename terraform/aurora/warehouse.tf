module "dataset" {
  source = "../modules/dataset"

  project    = var.project
  dataset_id = var.dataset
  location   = var.location
  keep_days  = var.keep_days
  protected  = var.protected
  labels     = local.labels

  readers = {
    for name, function in local.functions : name => google_service_account.function[name].email
    if function.queries
  }

  writers = {
    for name, function in local.functions : name => google_service_account.function[name].email
    if function.appends
  }
}

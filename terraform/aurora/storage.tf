module "bucket" {
  source = "../modules/bucket"

  project  = var.project
  name     = var.bucket
  location = var.location
  labels   = local.labels

  readers = {
    for name, function in local.functions : name => google_service_account.function[name].email
    if length(function.reads) > 0
  }

  writers = {
    for name, function in local.functions : name => {
      email   = google_service_account.function[name].email
      folders = function.writes
    }
    if length(function.writes) > 0
  }
}

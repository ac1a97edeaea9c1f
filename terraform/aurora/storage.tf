module "bucket" {
  source = "../modules/bucket"

  project   = var.project
  name      = var.bucket
  location  = var.location
  protected = var.protected
  labels    = local.labels

  users = {
    for name, function in local.functions : name => {
      email  = google_service_account.function[name].email
      reads  = function.reads
      writes = function.writes
    }
    if length(function.reads) + length(function.writes) > 0
  }
}

# A secret, and who may read it. Its versions are added by hand (gcloud secrets versions add): what terraform writes is in its state,
# and a key has no business there.

resource "google_secret_manager_secret" "this" {
  project   = var.project
  secret_id = var.name
  labels    = var.labels

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }
}

resource "google_secret_manager_secret_iam_member" "reader" {
  for_each = var.readers

  project   = var.project
  secret_id = google_secret_manager_secret.this.secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${each.value}"
}

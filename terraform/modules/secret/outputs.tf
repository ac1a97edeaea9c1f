output "id" {
  description = "Id of the secret: gcloud secrets versions add takes it."
  value       = google_secret_manager_secret.this.secret_id
}

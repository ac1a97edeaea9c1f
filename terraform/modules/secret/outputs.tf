output "id" {
  description = "Id of the secret: gcloud secrets versions add takes it."
  value       = google_secret_manager_secret.this.secret_id

  # Whoever is told may be refused before the readers are: Cloud Run asks for their right when a service is made.
  depends_on = [google_secret_manager_secret_iam_member.reader]
}

output "name" {
  description = "Name of the bucket: AURORA_BUCKET of the functions."
  value       = google_storage_bucket.this.name
}

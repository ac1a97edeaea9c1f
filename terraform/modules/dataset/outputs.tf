output "dataset_id" {
  description = "Id of the dataset: AURORA_DATASET of the functions."
  value       = google_bigquery_dataset.this.dataset_id
}

# A function as a Cloud Run job: one task, started by a service when its work would outlast a request. Whoever starts it says what
# about, in variables of that one execution; hence the right to override.

resource "google_cloud_run_v2_job" "this" {
  project             = var.project
  location            = var.region
  name                = var.name
  labels              = var.labels
  deletion_protection = false

  template {
    task_count  = 1
    parallelism = 1
    labels      = var.labels

    template {
      service_account = var.service_account
      timeout         = "${var.timeout_seconds}s"
      max_retries     = var.max_retries

      containers {
        image = var.image

        resources {
          limits = {
            cpu    = var.cpu
            memory = var.memory
          }
        }

        dynamic "env" {
          for_each = merge(var.env, {
            FUNCTION_TARGET = var.function
            NODE_ENV        = "production"
          })

          content {
            name  = env.key
            value = env.value
          }
        }
      }
    }
  }

  lifecycle {
    ignore_changes = [client, client_version]
  }
}

resource "google_cloud_run_v2_job_iam_member" "starter" {
  for_each = var.starters

  project  = var.project
  location = var.region
  name     = google_cloud_run_v2_job.this.name
  role     = "roles/run.jobsExecutorWithOverrides"
  member   = "serviceAccount:${each.value}"
}

resource "google_cloud_run_v2_job_iam_member" "deployer" {
  for_each = var.deployers

  project  = var.project
  location = var.region
  name     = google_cloud_run_v2_job.this.name
  role     = "roles/run.developer"
  member   = "serviceAccount:${each.value}"
}

# One function as a Cloud Run service: the same image for all, FUNCTION_TARGET says which. Only the service accounts that are
# named may call it; the function checks their ID tokens once more.

resource "google_cloud_run_v2_service" "this" {
  project             = var.project
  location            = var.region
  name                = "aurora-${var.name}"
  labels              = var.labels
  ingress             = var.ingress
  custom_audiences    = [var.audience]
  deletion_protection = false

  template {
    service_account                  = var.service_account
    timeout                          = "${var.timeout_seconds}s"
    max_instance_request_concurrency = var.concurrency
    labels                           = var.labels

    scaling {
      min_instance_count = var.instances.min
      max_instance_count = var.instances.max
    }

    containers {
      image = var.image

      resources {
        limits = {
          cpu    = var.cpu
          memory = var.memory
        }

        # Between requests too, where the function has something to do then: to poll, or to write what it has learnt.
        cpu_idle          = !var.always_on
        startup_cpu_boost = true
      }

      dynamic "env" {
        for_each = merge(var.env, {
          FUNCTION_TARGET = var.name
          NODE_ENV        = "production"
          AURORA_AUDIENCE = var.audience
          AURORA_CALLERS  = join(",", values(var.callers))
        })

        content {
          name  = env.key
          value = env.value
        }
      }

      # Read when an instance starts, and then no more.
      dynamic "env" {
        for_each = var.secrets

        content {
          name = env.key

          value_source {
            secret_key_ref {
              secret  = env.value
              version = "latest"
            }
          }
        }
      }

      # It listens once it has started. Not /ready: score and route are not ready without offers, and would never start in an empty
      # project; that a revision is ready before it gets traffic, the deployment sees to.
      startup_probe {
        period_seconds    = 1
        failure_threshold = 60

        http_get {
          path = "/health"
        }
      }

      liveness_probe {
        period_seconds = 30

        http_get {
          path = "/health"
        }
      }
    }
  }

  # A release names its revisions and moves the traffic; a plan must take neither back.
  lifecycle {
    ignore_changes = [traffic, template[0].revision, client, client_version]
  }
}

resource "google_cloud_run_v2_service_iam_member" "caller" {
  for_each = var.callers

  project  = var.project
  location = var.region
  name     = google_cloud_run_v2_service.this.name
  role     = "roles/run.invoker"
  member   = "serviceAccount:${each.value}"
}

resource "google_cloud_run_v2_service_iam_member" "looker" {
  for_each = var.lookers

  project  = var.project
  location = var.region
  name     = google_cloud_run_v2_service.this.name
  role     = "roles/run.invoker"
  member   = "serviceAccount:${each.value}"
}

resource "google_cloud_run_v2_service_iam_member" "deployer" {
  for_each = var.deployers

  project  = var.project
  location = var.region
  name     = google_cloud_run_v2_service.this.name
  role     = "roles/run.developer"
  member   = "serviceAccount:${each.value}"
}

# A function that is asked regularly. A call that fails is not repeated: the next one comes soon, and does the same.

resource "google_cloud_scheduler_job" "this" {
  project          = var.project
  region           = var.region
  name             = "aurora-${var.name}"
  description      = "Asks ${var.name}."
  schedule         = var.schedule
  time_zone        = "Etc/UTC"
  attempt_deadline = "${var.deadline_seconds}s"

  retry_config {
    retry_count = 0
  }

  http_target {
    http_method = "POST"
    uri         = "${var.url}/run"
    body        = base64encode("{}")

    headers = {
      "content-type" = "application/json"
    }

    oidc_token {
      service_account_email = var.caller
      audience              = var.audience
    }
  }
}

# What becomes of the models.

# Decisions in which the rules acted in the place of a model that was stale, damaged or not there. Score says so in its answer (the
# fault of functions/score/who-acts.ts), and route logs it with each decision, at level info.
resource "google_logging_metric" "model_away" {
  project     = var.project
  name        = "aurora_model_away"
  description = "Decisions of the rules in the place of a model that could not act."
  filter      = "jsonPayload.function=\"route\" AND jsonPayload.message=\"decision\" AND jsonPayload.fallback_reason=~\" cannot act: \""

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }
}

resource "google_monitoring_alert_policy" "model_away" {
  project               = var.project
  display_name          = "aurora: the model cannot act"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = var.notification_channels
  user_labels           = var.labels

  # Where route runs.
  dynamic "conditions" {
    for_each = { "Cloud Run" = "cloud_run_revision", Kubernetes = "k8s_container" }

    content {
      display_name = "The rules act instead, on ${conditions.key}"

      condition_threshold {
        filter = join(" AND ", [
          "resource.type = \"${conditions.value}\"",
          "metric.type = \"logging.googleapis.com/user/${google_logging_metric.model_away.name}\"",
        ])
        comparison      = "COMPARISON_GT"
        threshold_value = 0
        duration        = "${var.model_away_seconds}s"

        aggregations {
          alignment_period     = "60s"
          per_series_aligner   = "ALIGN_DELTA"
          cross_series_reducer = "REDUCE_SUM"
        }
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Who should act cannot: its posterior is older than a day or missing, or its artefact does not load. GET /ready of score says which; learn writes the posterior: docs/operations/RUNBOOK.md."
  }
}

resource "google_monitoring_alert_policy" "training_failed" {
  project               = var.project
  display_name          = "aurora: a training failed"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = var.notification_channels
  user_labels           = var.labels

  conditions {
    display_name = "An execution of the job failed"

    condition_threshold {
      filter = join(" AND ", [
        "resource.type = \"cloud_run_job\"",
        "resource.labels.job_name = \"${var.training_job}\"",
        "metric.type = \"run.googleapis.com/job/completed_execution_count\"",
        "metric.labels.result = \"failed\"",
      ])
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period   = "300s"
        per_series_aligner = "ALIGN_DELTA"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "All its attempts failed or ran out of time. What acts stays as it is, and learns no more from a new version until a training succeeds. Its log says why: docs/operations/RUNBOOK.md."
  }
}

# How services answer.

locals {
  # Milliseconds at the 95th percentile, by function.
  latency_limits = {
    for name, service in var.services : name => (
      name == "score" ? var.score_latency_p95_ms :
      service.awaited ? var.latency_p95_ms :
      var.background_latency_part * service.timeout_seconds * 1000
    )
  }

  service_names = "one_of(${join(", ", [for service in values(var.services) : "\"${service.service}\""])})"
}

resource "google_monitoring_alert_policy" "latency" {
  for_each = local.latency_limits

  project               = var.project
  display_name          = "aurora: ${each.key} is slow"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = var.notification_channels
  user_labels           = var.labels

  conditions {
    display_name = "95th percentile of the answers over the limit"

    condition_threshold {
      filter = join(" AND ", [
        "resource.type = \"cloud_run_revision\"",
        "resource.labels.service_name = \"${var.services[each.key].service}\"",
        "metric.type = \"run.googleapis.com/request_latencies\"",
      ])
      comparison      = "COMPARISON_GT"
      threshold_value = each.value
      duration        = "300s"

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_PERCENTILE_95"
        group_by_fields      = ["resource.labels.service_name"]
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Of five minutes, each had more than 5 % of its answers later than ${each.value} ms. Instances at their limit, a slow store, or cold starts: docs/operations/RUNBOOK.md."
  }
}

resource "google_monitoring_alert_policy" "errors" {
  project               = var.project
  display_name          = "aurora: a service fails"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = var.notification_channels
  user_labels           = var.labels

  conditions {
    display_name = "Part of 5xx answers over the limit"

    condition_threshold {
      filter = join(" AND ", [
        "resource.type = \"cloud_run_revision\"",
        "resource.labels.service_name = ${local.service_names}",
        "metric.type = \"run.googleapis.com/request_count\"",
        "metric.labels.response_code_class = \"5xx\"",
      ])
      denominator_filter = join(" AND ", [
        "resource.type = \"cloud_run_revision\"",
        "resource.labels.service_name = ${local.service_names}",
        "metric.type = \"run.googleapis.com/request_count\"",
      ])
      comparison      = "COMPARISON_GT"
      threshold_value = var.error_part
      duration        = "300s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_RATE"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["resource.labels.service_name"]
      }

      denominator_aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_RATE"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["resource.labels.service_name"]
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "A 503 is a push that comes again or a caller that was sent away; its code is in the log of the service, and docs/errors.md says what each asks for. Then docs/operations/RUNBOOK.md."
  }
}

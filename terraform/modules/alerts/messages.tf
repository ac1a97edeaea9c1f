# What does not arrive.

resource "google_monitoring_alert_policy" "dead_letters" {
  project               = var.project
  display_name          = "aurora: dead letters wait"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = var.notification_channels
  user_labels           = var.labels

  conditions {
    display_name = "A subscription holds dead letters"

    condition_threshold {
      filter = join(" AND ", [
        "resource.type = \"pubsub_subscription\"",
        "resource.labels.subscription_id = one_of(${join(", ", [for name in var.dead_letter_subscriptions : "\"${name}\""])})",
        "metric.type = \"pubsub.googleapis.com/subscription/num_undelivered_messages\"",
      ])
      comparison      = "COMPARISON_GT"
      threshold_value = var.dead_letters
      duration        = "0s"

      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Events that a function did not take in all their deliveries. They are kept for 31 days. Find the cause, then send them again: docs/operations/RUNBOOK.md."
  }
}

resource "google_monitoring_alert_policy" "oldest_message" {
  project               = var.project
  display_name          = "aurora: events wait too long"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = var.notification_channels
  user_labels           = var.labels

  conditions {
    display_name = "The oldest message of a subscription is too old"

    condition_threshold {
      filter = join(" AND ", [
        "resource.type = \"pubsub_subscription\"",
        "resource.labels.subscription_id = one_of(${join(", ", [for name in var.push_subscriptions : "\"${name}\""])})",
        "metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\"",
      ])
      comparison      = "COMPARISON_GT"
      threshold_value = var.oldest_message_seconds
      duration        = "0s"

      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "A function refuses its events or is too slow; after its last delivery an event becomes a dead letter. Its log says why: docs/operations/RUNBOOK.md."
  }
}

# Who probes can fail too, and then nothing says so but its silence. A series that ends, and one that goes on with zeros; and of several
# suites the one that is no longer run, however loud the others are.
resource "google_monitoring_alert_policy" "no_probe_results" {
  count = var.probe_topic == null ? 0 : 1

  project               = var.project
  display_name          = "aurora: probes are silent"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = var.notification_channels
  user_labels           = var.labels

  conditions {
    display_name = "Nothing is heard of the topic"

    condition_absent {
      filter   = local.probe_results
      duration = "${var.probe_silence_seconds}s"

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  conditions {
    display_name = "Nothing is published"

    condition_threshold {
      filter          = local.probe_results
      comparison      = "COMPARISON_LT"
      threshold_value = 1
      duration        = "${var.probe_silence_seconds}s"

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  conditions {
    display_name = "A suite is no longer run"

    condition_absent {
      filter = join(" AND ", [
        "resource.type = \"cloud_run_revision\"",
        "metric.type = \"logging.googleapis.com/user/${google_logging_metric.probe_runs.name}\"",
      ])
      duration = "${var.probe_silence_seconds}s"

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["metric.label.suite"]
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "No probe has said anything, good or bad, or one of its suites has not: whether the system works is unknown. See what became of the function probe and of its clock: docs/operations/RUNBOOK.md."
  }
}

locals {
  probe_results = join(" AND ", [
    "resource.type = \"pubsub_topic\"",
    "resource.labels.topic_id = \"${coalesce(var.probe_topic, "none")}\"",
    "metric.type = \"pubsub.googleapis.com/topic/send_request_count\"",
    # What Pub/Sub refuses is counted too, and is no result.
    "metric.labels.response_class = \"success\"",
  ])
}

# Runs that were counted, which probe logs at level info.
resource "google_logging_metric" "probe_runs" {
  project     = var.project
  name        = "aurora_probe_runs"
  description = "Runs of the probes, by suite."
  filter      = "resource.type=\"cloud_run_revision\" AND jsonPayload.message=\"probed\""

  label_extractors = {
    suite = "EXTRACT(jsonPayload.suite)"
  }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"

    labels {
      key         = "suite"
      value_type  = "STRING"
      description = "Id of the suite."
    }
  }
}

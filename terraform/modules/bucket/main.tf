# Models, statistics, offers, control and state. Versioned, so that a generation that is being read stays readable when the next
# one is written; soft delete gives a week to take back a mistake.

resource "google_storage_bucket" "this" {
  project                     = var.project
  name                        = var.name
  location                    = var.location
  labels                      = var.labels
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false

  versioning {
    enabled = true
  }

  soft_delete_policy {
    retention_duration_seconds = 604800
  }

  # Noncurrent generations: enough for whoever still reads one.
  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      days_since_noncurrent_time = 1
      with_state                 = "ARCHIVED"
    }
  }

  # State entries carry the end of their time to live as customTime.
  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      days_since_custom_time = 1
      matches_prefix         = ["state/"]
    }
  }
}

resource "google_storage_bucket_iam_member" "reader" {
  for_each = var.readers

  bucket = google_storage_bucket.this.name
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${each.value}"
}

resource "google_storage_bucket_iam_member" "writer" {
  for_each = var.writers

  bucket = google_storage_bucket.this.name
  role   = "roles/storage.objectUser"
  member = "serviceAccount:${each.value.email}"

  condition {
    title       = "own-folders"
    description = "What ${each.key} writes, and nothing else."
    expression  = join(" || ", [for folder in each.value.folders : "resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.this.name}/objects/${folder}\")"])
  }
}

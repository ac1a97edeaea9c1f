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
  force_destroy               = !var.protected

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

# The names of all objects, for listing; and without that right Cloud Storage answers 403, not 404, where there is none. A name tells
# that something is there, not what it says.
resource "google_storage_bucket_iam_member" "lister" {
  for_each = var.users

  bucket = google_storage_bucket.this.name
  role   = "roles/storage.legacyBucketReader"
  member = "serviceAccount:${each.value.email}"
}

resource "google_storage_bucket_iam_member" "reader" {
  for_each = { for name, user in var.users : name => user if length(user.reads) > 0 }

  bucket = google_storage_bucket.this.name
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${each.value.email}"

  condition {
    title       = "folders-it-reads"
    description = "What ${each.key} reads, and nothing else."
    expression  = join(" || ", [for folder in each.value.reads : "resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.this.name}/objects/${folder}\")"])
  }
}

resource "google_storage_bucket_iam_member" "writer" {
  for_each = { for name, user in var.users : name => user if length(user.writes) > 0 }

  bucket = google_storage_bucket.this.name
  role   = "roles/storage.objectUser"
  member = "serviceAccount:${each.value.email}"

  condition {
    title       = "folders-it-writes"
    description = "What ${each.key} writes, and nothing else."
    expression  = join(" || ", [for folder in each.value.writes : "resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.this.name}/objects/${folder}\")"])
  }
}

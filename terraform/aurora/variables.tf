variable "project" {
  description = "Project that holds everything."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "Expected a project id, such as my-project."
  }
}

variable "environment" {
  description = "Name of the environment, as a label."
  type        = string

  validation {
    condition     = contains(["dev", "prod"], var.environment)
    error_message = "Expected dev or prod."
  }
}

variable "region" {
  description = "Region of functions and scheduler."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "Expected a region, such as europe-west1."
  }
}

variable "location" {
  description = "Where bucket and dataset lie, for good; the region of the functions, or the multi-region around it."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+$", var.location))
    error_message = "Expected a location, such as EU or europe-west1."
  }
}

variable "message_regions" {
  description = "Regions in which messages may be stored."
  type        = list(string)

  validation {
    condition     = length(var.message_regions) > 0
    error_message = "Expected at least one region."
  }
}

variable "bucket" {
  description = "Name of the bucket, unique in all of Cloud Storage."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket))
    error_message = "Expected 3 to 63 lower-case letters, digits and dashes."
  }
}

variable "dataset" {
  description = "Id of the dataset."
  type        = string
  default     = "aurora"

  validation {
    condition     = length(var.dataset) <= 1024 && can(regex("^[a-z][a-z0-9_]*$", var.dataset))
    error_message = "Expected lower-case letters, digits and underscores, a letter first."
  }
}

variable "keep_days" {
  description = "Days after which rows are dropped; null keeps everything."
  type        = number

  validation {
    condition     = var.keep_days == null ? true : var.keep_days >= 7
    error_message = "Expected null or at least 7 days."
  }
}

variable "max_bytes_billed" {
  description = "Bytes that one query may read at most; a larger one is refused before it costs anything."
  type        = number
  default     = 107374182400

  validation {
    condition     = var.max_bytes_billed >= 10485760
    error_message = "Expected at least 10485760: the least that BigQuery bills."
  }
}

variable "image" {
  description = "The image of all functions, by digest; null: there is none yet, and only the registry can be made."
  type        = string

  validation {
    condition     = var.image == null ? true : can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "Expected null or REGISTRY/IMAGE@sha256:DIGEST."
  }
}

variable "stage" {
  description = "Who may act as long as no control object says otherwise."
  type        = string

  validation {
    condition     = contains(["apprentice", "auto", "online"], var.stage)
    error_message = "Expected apprentice, auto or online."
  }
}

variable "log_level" {
  description = "What is logged. From warn on route logs no decisions, and the alert on models that cannot act hears nothing."
  type        = string
  default     = "info"

  validation {
    condition     = contains(["debug", "info", "warn", "error", "silent"], var.log_level)
    error_message = "Expected debug, info, warn, error or silent."
  }
}

variable "callers" {
  description = "E-mail addresses of the service accounts that may call route and score: the tenants' and the router's, by what they are."
  type        = map(string)

  validation {
    condition     = length(var.callers) > 0 && alltrue([for email in values(var.callers) : endswith(email, ".gserviceaccount.com")])
    error_message = "Expected at least one, each the e-mail address of a service account: never allUsers."
  }
}

variable "builders" {
  description = "E-mail addresses of the service accounts that build images, push and deploy them, by what they are."
  type        = map(string)

  validation {
    condition     = alltrue([for email in values(var.builders) : endswith(email, ".gserviceaccount.com")])
    error_message = "Expected e-mail addresses of service accounts."
  }
}

variable "marketplaces" {
  description = "Marketplaces at which there is an account."
  type        = set(string)

  validation {
    condition     = length(var.marketplaces) > 0 && alltrue([for name in var.marketplaces : contains(local.topology.marketplaces, name)])
    error_message = "Expected at least one that there is an adapter for: ${join(", ", local.topology.marketplaces)}."
  }
}

variable "job_topics" {
  description = "Topics of others on which probe may put a job, for the check scale_to_zero: names in the project, or projects/PROJECT/topics/NAME."
  type        = set(string)

  validation {
    condition     = alltrue([for name in var.job_topics : can(regex("^(projects/[a-z][a-z0-9-]{4,28}[a-z0-9]/topics/)?[A-Za-z][A-Za-z0-9_.~+%-]{2,254}$", name)) && !contains(local.topology.topics, name)])
    error_message = "Expected names of topics, none of them ours: those take events."
  }
}

variable "cluster" {
  description = "A Kubernetes cluster in which route and score run too: its Workload Identity pool, the namespace, the e-mail address of the service account as which its nodes pull images, whether it has the operator of Prometheus, and its name, where the probe reaches its control plane by DNS; null: none."
  type        = object({ workload_pool = string, namespace = string, nodes = string, service_monitor = bool, name = optional(string) })

  validation {
    condition     = var.cluster == null ? true : endswith(var.cluster.workload_pool, ".svc.id.goog") && can(regex("^[a-z0-9-]+$", var.cluster.namespace)) && endswith(var.cluster.nodes, ".gserviceaccount.com") && (var.cluster.name == null ? true : can(regex("^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$", var.cluster.name)))
    error_message = "Expected null, or PROJECT.svc.id.goog, a namespace, the e-mail address of a service account, and null or the name of a cluster."
  }
}

variable "notification_channels" {
  description = "Who is told of an alert: full names of notification channels."
  type        = list(string)

  validation {
    condition     = alltrue([for channel in var.notification_channels : can(regex("^projects/[^/]+/notificationChannels/[^/]+$", channel))])
    error_message = "Expected projects/PROJECT/notificationChannels/ID."
  }
}

variable "thresholds" {
  description = "When an alert is due, where it is another than the default of modules/alerts/thresholds.tf."
  type        = map(number)

  validation {
    condition     = alltrue([for name in keys(var.thresholds) : contains(["dead_letters", "oldest_message_seconds", "probe_silence_seconds", "model_away_seconds", "latency_p95_ms", "score_latency_p95_ms", "background_latency_part", "error_part"], name)])
    error_message = "Expected names of modules/alerts/thresholds.tf."
  }
}

variable "protected" {
  description = "Whether a plan may not delete the record and the objects; false is for whoever wants to destroy everything."
  type        = bool

  validation {
    condition     = var.protected != null
    error_message = "Expected true or false."
  }
}

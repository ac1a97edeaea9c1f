variable "project" {
  description = "Project that holds everything."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "Expected a project id, such as my-project."
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

variable "image" {
  description = "The image of all functions, by digest; null: there is none yet, and only the registry can be made."
  type        = string
  default     = null

  validation {
    condition     = var.image == null ? true : can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "Expected null or REGISTRY/IMAGE@sha256:DIGEST."
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
  default     = {}

  validation {
    condition     = alltrue([for email in values(var.builders) : endswith(email, ".gserviceaccount.com")])
    error_message = "Expected e-mail addresses of service accounts."
  }
}

variable "marketplaces" {
  description = "Marketplaces at which there is an account; its key is in the secret AURORA_PROVIDER_NAME_KEY."
  type        = set(string)

  validation {
    condition     = length(var.marketplaces) > 0
    error_message = "Expected at least one: without an account there are no offers."
  }
}

variable "job_topics" {
  description = "Topics of others on which probe may put a job, for the check scale_to_zero: names in the project, or projects/PROJECT/topics/NAME."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for name in var.job_topics : can(regex("^(projects/[a-z][a-z0-9-]{4,28}[a-z0-9]/topics/)?[A-Za-z][A-Za-z0-9_.~+%-]{2,254}$", name))])
    error_message = "Expected names of topics, such as vaultmesh-psi-jobs."
  }
}

variable "cluster" {
  description = "A Kubernetes cluster in which route and score run too: its Workload Identity pool, the namespace, the e-mail address of the service account as which its nodes pull images, whether it has the operator of Prometheus, and its name, where the probe reaches its control plane by DNS; null: none."
  type        = object({ workload_pool = string, namespace = string, nodes = string, service_monitor = bool, name = optional(string) })
  default     = null

  validation {
    condition     = var.cluster == null ? true : endswith(var.cluster.workload_pool, ".svc.id.goog") && can(regex("^[a-z0-9-]+$", var.cluster.namespace)) && endswith(var.cluster.nodes, ".gserviceaccount.com") && (var.cluster.name == null ? true : can(regex("^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$", var.cluster.name)))
    error_message = "Expected null, or PROJECT.svc.id.goog, a namespace, the e-mail address of a service account, and null or the name of a cluster."
  }
}

variable "notification_channels" {
  description = "Who is told of an alert: full names of notification channels."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for channel in var.notification_channels : can(regex("^projects/[^/]+/notificationChannels/[^/]+$", channel))])
    error_message = "Expected projects/PROJECT/notificationChannels/ID."
  }
}

variable "thresholds" {
  description = "When an alert is due, where it is another than the default of modules/alerts/thresholds.tf."
  type        = map(number)
  default     = {}

  validation {
    condition     = alltrue([for value in values(var.thresholds) : value >= 0])
    error_message = "Expected numbers from 0 on, by the names of modules/alerts/thresholds.tf."
  }
}

variable "protected" {
  description = "Whether a plan may not delete the record and the objects; false is for whoever wants to destroy everything."
  type        = bool
  default     = true

  validation {
    condition     = var.protected != null
    error_message = "Expected true or false."
  }
}

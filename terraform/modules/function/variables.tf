variable "project" {
  description = "Project that holds the service."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "Expected a project id, such as my-project."
  }
}

variable "region" {
  description = "Region in which it runs."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "Expected a region, such as europe-west1."
  }
}

variable "name" {
  description = "Name of the function: its folder in functions/, and FUNCTION_TARGET."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{3,30}$", var.name))
    error_message = "Expected 3 to 30 lower-case letters."
  }
}

variable "image" {
  description = "The image, by digest: a tag could be another image tomorrow."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "Expected REGISTRY/IMAGE@sha256:DIGEST."
  }
}

variable "service_account" {
  description = "E-mail address of the service account as which it runs."
  type        = string

  validation {
    condition     = strcontains(var.service_account, "@")
    error_message = "Expected the e-mail address of a service account."
  }
}

variable "audience" {
  description = "For whom its callers' ID tokens are made out."
  type        = string

  validation {
    condition     = startswith(var.audience, "https://")
    error_message = "Expected a URL of https."
  }
}

variable "callers" {
  description = "E-mail addresses of the service accounts that may call it, by what they are."
  type        = map(string)

  validation {
    condition     = length(var.callers) > 0 && alltrue([for email in values(var.callers) : endswith(email, ".gserviceaccount.com")])
    error_message = "Expected at least one, each the e-mail address of a service account: never allUsers."
  }
}

variable "lookers" {
  description = "E-mail addresses of the service accounts that Cloud Run lets through beside the callers, to the doors at which the function asks nobody who he is, by what they are."
  type        = map(string)

  validation {
    condition     = alltrue([for email in values(var.lookers) : endswith(email, ".gserviceaccount.com")])
    error_message = "Expected e-mail addresses of service accounts: never allUsers."
  }
}

variable "deployers" {
  description = "E-mail addresses of the service accounts that bring new images to it, by what they are."
  type        = map(string)

  validation {
    condition     = alltrue([for email in values(var.deployers) : endswith(email, ".gserviceaccount.com")])
    error_message = "Expected e-mail addresses of service accounts."
  }
}

variable "env" {
  description = "Its environment beside FUNCTION_TARGET, NODE_ENV, AURORA_AUDIENCE and AURORA_CALLERS."
  type        = map(string)

  validation {
    condition     = alltrue([for name in keys(var.env) : startswith(name, "AURORA_")])
    error_message = "Expected variables of the system, AURORA_*."
  }
}

variable "secrets" {
  description = "Variables whose values are in Secret Manager: the id of the secret of each."
  type        = map(string)

  validation {
    condition     = alltrue([for name in keys(var.secrets) : startswith(name, "AURORA_")])
    error_message = "Expected variables of the system, AURORA_*."
  }
}

variable "ingress" {
  description = "From where it can be reached."
  type        = string

  validation {
    condition     = contains(["INGRESS_TRAFFIC_ALL", "INGRESS_TRAFFIC_INTERNAL_ONLY", "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"], var.ingress)
    error_message = "Expected INGRESS_TRAFFIC_ALL, INGRESS_TRAFFIC_INTERNAL_ONLY or INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER."
  }
}

variable "cpu" {
  description = "CPUs of an instance."
  type        = string

  validation {
    condition     = contains(["1", "2", "4"], var.cpu)
    error_message = "Expected 1, 2 or 4."
  }
}

variable "memory" {
  description = "Memory of an instance."
  type        = string

  validation {
    condition     = can(regex("^[0-9]+(Mi|Gi)$", var.memory))
    error_message = "Expected an amount such as 512Mi."
  }
}

variable "always_on" {
  description = "Whether it has its CPU between requests too."
  type        = bool

  validation {
    condition     = var.always_on != null
    error_message = "Expected true or false."
  }
}

variable "instances" {
  description = "Instances at least and at most."
  type        = object({ min = number, max = number })

  validation {
    condition     = var.instances.min >= 0 && var.instances.max >= max(1, var.instances.min)
    error_message = "Expected 0 <= min <= max and at least one."
  }
}

variable "concurrency" {
  description = "Requests that an instance takes at a time."
  type        = number

  validation {
    condition     = var.concurrency >= 1 && var.concurrency <= 1000
    error_message = "Expected 1 to 1000: Cloud Run's limits."
  }
}

variable "timeout_seconds" {
  description = "How long a request may take; of pushes, at least the ack deadline."
  type        = number

  validation {
    condition     = var.timeout_seconds >= 1 && var.timeout_seconds <= 3600
    error_message = "Expected 1 to 3600 seconds: Cloud Run's limits."
  }
}

variable "labels" {
  description = "Labels of all that can carry them."
  type        = map(string)

  validation {
    condition     = length(var.labels) <= 32
    error_message = "Expected at most 32 labels."
  }
}

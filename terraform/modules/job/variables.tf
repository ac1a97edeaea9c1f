variable "project" {
  description = "Project that holds the job."
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
  description = "Name of the job."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "Expected 3 to 63 lower-case letters, digits and dashes, a letter first."
  }
}

variable "function" {
  description = "What it runs: a folder in functions/, and FUNCTION_TARGET."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{3,30}$", var.function))
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

variable "starters" {
  description = "E-mail addresses of the service accounts that may start it, by what they are."
  type        = map(string)

  validation {
    condition     = length(var.starters) > 0 && alltrue([for email in values(var.starters) : endswith(email, ".gserviceaccount.com")])
    error_message = "Expected at least one, each the e-mail address of a service account."
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
  description = "Its environment beside FUNCTION_TARGET and NODE_ENV."
  type        = map(string)

  validation {
    condition     = alltrue([for name in keys(var.env) : startswith(name, "AURORA_")])
    error_message = "Expected variables of the system, AURORA_*."
  }
}

variable "cpu" {
  description = "CPUs of the task."
  type        = string

  validation {
    condition     = contains(["1", "2", "4"], var.cpu)
    error_message = "Expected 1, 2 or 4."
  }
}

variable "memory" {
  description = "Memory of the task."
  type        = string

  validation {
    condition     = can(regex("^[0-9]+(Mi|Gi)$", var.memory))
    error_message = "Expected an amount such as 512Mi."
  }
}

variable "timeout_seconds" {
  description = "How long one attempt may take."
  type        = number

  validation {
    condition     = var.timeout_seconds >= 60 && var.timeout_seconds <= 86400
    error_message = "Expected a minute to a day."
  }
}

variable "max_retries" {
  description = "Attempts after the first one."
  type        = number

  validation {
    condition     = var.max_retries >= 0 && var.max_retries <= 10
    error_message = "Expected 0 to 10: Cloud Run's limits."
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

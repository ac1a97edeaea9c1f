variable "project" {
  description = "Project that holds the secret."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "Expected a project id, such as my-project."
  }
}

variable "region" {
  description = "Region in which its versions are kept."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "Expected a region, such as europe-west1."
  }
}

variable "name" {
  description = "Name of the secret: that of the variable which it is the value of."
  type        = string

  validation {
    condition     = can(regex("^AURORA_[A-Z0-9_]+$", var.name))
    error_message = "Expected the name of a variable of the system, AURORA_*."
  }
}

variable "readers" {
  description = "E-mail addresses of the service accounts that read it, by the name of the function."
  type        = map(string)

  validation {
    condition     = length(var.readers) > 0 && alltrue([for email in values(var.readers) : strcontains(email, "@")])
    error_message = "Expected e-mail addresses of service accounts, at least one."
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

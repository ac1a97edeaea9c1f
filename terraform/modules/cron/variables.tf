variable "project" {
  description = "Project that holds the job."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "Expected a project id, such as my-project."
  }
}

variable "region" {
  description = "Region in which the scheduler runs."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "Expected a region, such as europe-west1."
  }
}

variable "name" {
  description = "Name of the function that is asked."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{3,30}$", var.name))
    error_message = "Expected 3 to 30 lower-case letters."
  }
}

variable "schedule" {
  description = "When, in the five fields of cron, UTC."
  type        = string

  validation {
    condition     = length(split(" ", var.schedule)) == 5
    error_message = "Expected five fields, such as */5 * * * *."
  }
}

variable "url" {
  description = "URL of the function."
  type        = string

  validation {
    condition     = startswith(var.url, "https://")
    error_message = "Expected a URL of https."
  }
}

variable "caller" {
  description = "E-mail address of the service account whose ID token each call carries."
  type        = string

  validation {
    condition     = strcontains(var.caller, "@")
    error_message = "Expected the e-mail address of a service account."
  }
}

variable "audience" {
  description = "For whom that token is made out."
  type        = string

  validation {
    condition     = startswith(var.audience, "https://")
    error_message = "Expected a URL of https."
  }
}

variable "deadline_seconds" {
  description = "How long a call may take."
  type        = number

  validation {
    condition     = var.deadline_seconds >= 15 && var.deadline_seconds <= 1800
    error_message = "Expected 15 to 1800 seconds: Cloud Scheduler's limits."
  }
}

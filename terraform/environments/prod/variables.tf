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
  description = "The image of all functions, by digest."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "Expected REGISTRY/IMAGE@sha256:DIGEST."
  }
}

variable "callers" {
  description = "E-mail addresses of the service accounts that may call route and score: the tenants' and the router's, by what they are."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for email in values(var.callers) : endswith(email, ".gserviceaccount.com")])
    error_message = "Expected e-mail addresses of service accounts: never allUsers."
  }
}

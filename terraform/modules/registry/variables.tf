variable "project" {
  description = "Project that holds the registry."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "Expected a project id, such as my-project."
  }
}

variable "region" {
  description = "Region in which the images lie: that of the functions."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "Expected a region, such as europe-west1."
  }
}

variable "name" {
  description = "Id of the repository."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "Expected 3 to 63 lower-case letters, digits and dashes, a letter first."
  }
}

variable "writers" {
  description = "E-mail addresses of the service accounts that push images, by what they are."
  type        = map(string)

  validation {
    condition     = alltrue([for email in values(var.writers) : strcontains(email, "@")])
    error_message = "Expected e-mail addresses of service accounts."
  }
}

variable "readers" {
  description = "E-mail addresses of the service accounts that pull images beside Cloud Run, which may anyway, by what they are."
  type        = map(string)

  validation {
    condition     = alltrue([for email in values(var.readers) : strcontains(email, "@")])
    error_message = "Expected e-mail addresses of service accounts."
  }
}

variable "keep_count" {
  description = "Newest images that are always kept."
  type        = number

  validation {
    condition     = var.keep_count >= 2 && var.keep_count <= 100
    error_message = "Expected 2 to 100: the one that runs, and one to roll back to."
  }
}

variable "keep_days" {
  description = "Days after which an image without a tag is deleted, unless it is one of the newest."
  type        = number

  validation {
    condition     = var.keep_days >= 1
    error_message = "Expected at least a day."
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

variable "project" {
  description = "Project that holds the bucket."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "Expected a project id, such as my-project."
  }
}

variable "name" {
  description = "Name of the bucket, unique in all of Cloud Storage."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "Expected 3 to 63 lower-case letters, digits and dashes."
  }
}

variable "location" {
  description = "Where its objects lie: a region or a multi-region, near the functions."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+$", var.location))
    error_message = "Expected a location, such as EU or europe-west1."
  }
}

variable "users" {
  description = "By the name of the function: its service account, and the folders (with the slash at the end) that it reads alone and that it reads and writes."
  type        = map(object({ email = string, reads = list(string), writes = list(string) }))

  validation {
    condition     = alltrue([for user in values(var.users) : alltrue([for folder in concat(user.reads, user.writes) : endswith(folder, "/")])])
    error_message = "Expected folders with a slash at their end."
  }
}

variable "protected" {
  description = "Whether a plan may not delete a bucket that holds objects."
  type        = bool

  validation {
    condition     = var.protected != null
    error_message = "Expected true or false."
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

variable "project" {
  description = "Project that holds the dataset."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "Expected a project id, such as my-project."
  }
}

variable "dataset_id" {
  description = "Id of the dataset: AURORA_DATASET of the functions."
  type        = string

  validation {
    condition     = length(var.dataset_id) <= 1024 && can(regex("^[a-z][a-z0-9_]*$", var.dataset_id))
    error_message = "Expected lower-case letters, digits and underscores, a letter first."
  }
}

variable "location" {
  description = "Where the rows lie, for good: AURORA_LOCATION of the functions."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+$", var.location))
    error_message = "Expected a location, such as EU or europe-west1."
  }
}

variable "keep_days" {
  description = "Days after which a partition is dropped; null keeps everything."
  type        = number

  validation {
    condition     = var.keep_days == null ? true : var.keep_days >= 7
    error_message = "Expected null or at least 7 days: what is learnt from must be on record."
  }
}

variable "readers" {
  description = "E-mail addresses of the service accounts that query, by the name of the function."
  type        = map(string)

  validation {
    condition     = alltrue([for email in values(var.readers) : strcontains(email, "@")])
    error_message = "Expected e-mail addresses of service accounts."
  }
}

variable "writers" {
  description = "E-mail addresses of the service accounts that append rows, by the name of the function."
  type        = map(string)

  validation {
    condition     = alltrue([for email in values(var.writers) : strcontains(email, "@")])
    error_message = "Expected e-mail addresses of service accounts."
  }
}

variable "protected" {
  description = "Whether a plan may not delete tables, nor a dataset that holds some."
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

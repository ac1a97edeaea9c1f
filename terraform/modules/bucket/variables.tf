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

variable "readers" {
  description = "E-mail addresses of the service accounts that read all objects, by the name of the function."
  type        = map(string)

  validation {
    condition     = alltrue([for email in values(var.readers) : strcontains(email, "@")])
    error_message = "Expected e-mail addresses of service accounts."
  }
}

variable "writers" {
  description = "Service accounts that also write, each in its folders (with the slash at the end), by the name of the function."
  type        = map(object({ email = string, folders = list(string) }))

  validation {
    condition     = alltrue([for writer in values(var.writers) : length(writer.folders) > 0 && alltrue([for folder in writer.folders : endswith(folder, "/")])])
    error_message = "Expected at least one folder for each writer, each with a slash at its end."
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

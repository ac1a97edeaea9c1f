variable "project" {
  description = "Project that holds the topic."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "Expected a project id, such as my-project."
  }
}

variable "name" {
  description = "Name of the topic; that of its dead-letter topic ends with -dead-letter."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,200}$", var.name))
    error_message = "Expected 3 to 201 lower-case letters, digits and dashes, a letter first."
  }
}

variable "regions" {
  description = "Regions in which messages may be stored."
  type        = list(string)

  validation {
    condition     = length(var.regions) > 0
    error_message = "Expected at least one region."
  }
}

variable "service_agent" {
  description = "E-mail address of Pub/Sub's service agent in the project."
  type        = string

  validation {
    condition     = endswith(var.service_agent, "@gcp-sa-pubsub.iam.gserviceaccount.com")
    error_message = "Expected service-NUMBER@gcp-sa-pubsub.iam.gserviceaccount.com."
  }
}

variable "publishers" {
  description = "E-mail addresses of the service accounts that publish to the topic, by the name of the function."
  type        = map(string)

  validation {
    condition     = alltrue([for email in values(var.publishers) : strcontains(email, "@")])
    error_message = "Expected e-mail addresses of service accounts."
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

variable "project" {
  description = "Project that holds what is watched."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "Expected a project id, such as my-project."
  }
}

variable "notification_channels" {
  description = "Who is told: full names of notification channels. Without one, incidents only show in the console."
  type        = list(string)

  validation {
    condition     = alltrue([for channel in var.notification_channels : can(regex("^projects/[^/]+/notificationChannels/[^/]+$", channel))])
    error_message = "Expected projects/PROJECT/notificationChannels/ID."
  }
}

variable "dead_letter_subscriptions" {
  description = "Names of the subscriptions that keep dead letters."
  type        = list(string)

  validation {
    condition     = length(var.dead_letter_subscriptions) > 0
    error_message = "Expected at least one: there are topics."
  }
}

variable "push_subscriptions" {
  description = "Names of the subscriptions that push to functions."
  type        = list(string)

  validation {
    condition     = length(var.push_subscriptions) > 0
    error_message = "Expected at least one: there are subscriptions."
  }
}

variable "probe_topic" {
  description = "Name of the topic on which results of probes come; null: nothing probes yet."
  type        = string

  validation {
    condition     = var.probe_topic == null ? true : can(regex("^[a-z][a-z0-9-]+$", var.probe_topic))
    error_message = "Expected null or the name of a topic."
  }
}

variable "services" {
  description = "By function: the name of its service, whether somebody waits for its answer, and how long a request may take."
  type        = map(object({ service = string, awaited = bool, timeout_seconds = number }))

  validation {
    condition     = alltrue([for service in values(var.services) : service.timeout_seconds > 0])
    error_message = "Expected timeouts above zero."
  }
}

variable "training_job" {
  description = "Name of the job that trains."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]+$", var.training_job))
    error_message = "Expected the name of a job."
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

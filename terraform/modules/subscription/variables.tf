variable "project" {
  description = "Project that holds the subscription."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "Expected a project id, such as my-project."
  }
}

variable "name" {
  description = "Name of the subscription."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,254}$", var.name))
    error_message = "Expected 3 to 255 lower-case letters, digits and dashes, a letter first."
  }
}

variable "topic" {
  description = "Full name of the topic that is heard."
  type        = string

  validation {
    condition     = can(regex("^projects/[^/]+/topics/[^/]+$", var.topic))
    error_message = "Expected projects/PROJECT/topics/TOPIC."
  }
}

variable "push_url" {
  description = "URL of the function that gets the messages."
  type        = string

  validation {
    condition     = startswith(var.push_url, "https://")
    error_message = "Expected a URL of https."
  }
}

variable "pusher" {
  description = "E-mail address of the service account whose ID token each push carries."
  type        = string

  validation {
    condition     = strcontains(var.pusher, "@")
    error_message = "Expected the e-mail address of a service account."
  }
}

variable "audience" {
  description = "For whom that token is made out: what the function expects as AURORA_AUDIENCE."
  type        = string

  validation {
    condition     = startswith(var.audience, "https://")
    error_message = "Expected a URL of https."
  }
}

variable "ack_deadline_seconds" {
  description = "How long a push may take: the handler's budget and five seconds more, so that its answer still arrives."
  type        = number

  validation {
    condition     = var.ack_deadline_seconds >= 10 && var.ack_deadline_seconds <= 600
    error_message = "Expected 10 to 600 seconds: Pub/Sub's limits."
  }
}

variable "backoff_seconds" {
  description = "Pause after the first failed delivery, and the longest one."
  type        = object({ min = number, max = number })

  validation {
    condition     = var.backoff_seconds.min <= var.backoff_seconds.max && var.backoff_seconds.max <= 600
    error_message = "Expected min <= max <= 600: Pub/Sub's limit."
  }
}

variable "max_attempts" {
  description = "Deliveries before a message becomes a dead letter."
  type        = number

  validation {
    condition     = var.max_attempts >= 5 && var.max_attempts <= 100
    error_message = "Expected 5 to 100: Pub/Sub's limits."
  }
}

variable "ordered" {
  description = "Whether messages of one ordering key come one after the other."
  type        = bool

  validation {
    condition     = var.ordered != null
    error_message = "Expected true or false."
  }
}

variable "dead_letter_topic" {
  description = "Full name of the topic that gets what cannot be delivered."
  type        = string

  validation {
    condition     = can(regex("^projects/[^/]+/topics/.+-dead-letter$", var.dead_letter_topic))
    error_message = "Expected projects/PROJECT/topics/TOPIC-dead-letter."
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

variable "labels" {
  description = "Labels of all that can carry them."
  type        = map(string)

  validation {
    condition     = length(var.labels) <= 32
    error_message = "Expected at most 32 labels."
  }
}

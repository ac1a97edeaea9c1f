# When it is too much. Each can be set by the environment (`thresholds`); null is the default.

variable "dead_letters" {
  description = "Dead letters that may wait. None: each is an event that nobody took."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.dead_letters >= 0
    error_message = "Expected 0 or more."
  }
}

variable "oldest_message_seconds" {
  description = "How old a message may grow before a function has taken it. Three of the longest pauses between two deliveries."
  type        = number
  default     = 1800
  nullable    = false

  validation {
    condition     = var.oldest_message_seconds >= 600
    error_message = "Expected at least 600 seconds: the longest pause between two deliveries."
  }
}

variable "probe_silence_seconds" {
  description = "How long no result of a probe may come."
  type        = number
  default     = 900
  nullable    = false

  validation {
    condition     = var.probe_silence_seconds >= 120 && var.probe_silence_seconds <= 84600 && var.probe_silence_seconds % 60 == 0
    error_message = "Expected whole minutes, 120 to 84600 seconds: the limits of Cloud Monitoring."
  }
}

variable "model_away_seconds" {
  description = "How long the rules may act in the place of a model that is stale or missing. Longer than the start of an instance."
  type        = number
  default     = 600
  nullable    = false

  validation {
    condition     = var.model_away_seconds >= 60 && var.model_away_seconds <= 84600 && var.model_away_seconds % 60 == 0
    error_message = "Expected whole minutes, 60 to 84600 seconds: the limits of Cloud Monitoring."
  }
}

variable "latency_p95_ms" {
  description = "Milliseconds within which 95 % of the answers come that somebody waits for."
  type        = number
  default     = 1000
  nullable    = false

  validation {
    condition     = var.latency_p95_ms > 0
    error_message = "Expected more than 0 ms."
  }
}

variable "score_latency_p95_ms" {
  description = "The same of score, which route waits for while a tenant waits for route."
  type        = number
  default     = 200
  nullable    = false

  validation {
    condition     = var.score_latency_p95_ms > 0
    error_message = "Expected more than 0 ms."
  }
}

variable "background_latency_part" {
  description = "Part of its timeout within which 95 % of the answers come of a function that nobody waits for: slower, and pushes are soon delivered twice."
  type        = number
  default     = 0.5
  nullable    = false

  validation {
    condition     = var.background_latency_part > 0 && var.background_latency_part <= 1
    error_message = "Expected a part, above 0 and at most 1."
  }
}

variable "error_part" {
  description = "Part of the answers of a service that may be errors of ours (5xx)."
  type        = number
  default     = 0.05
  nullable    = false

  validation {
    condition     = var.error_part > 0 && var.error_part < 1
    error_message = "Expected a part, above 0 and below 1."
  }
}

# Who hears what, as shared/topology.ts says it (generated), and what is of the infrastructure alone: who publishes, who is asked by
# the clock, and what each function may touch.

locals {
  topology = jsondecode(file("${path.module}/../topology.json"))

  labels = { app = "aurora", environment = var.environment }

  # Functions, by folder. What each publishes is what its handler does; every event function also puts what it rejects in quarantine.
  functions = {
    collect = {
      publishes = ["provider-offers"]
      reads     = []
      writes    = ["offers/"]
      queries   = false
      appends   = false
      every     = "* * * * *"
      stage     = false
      memory    = "512Mi"
      cpu       = "1"
      always_on = false
      instances = { min = 0, max = 1 }
      parallel  = 4
    }
    deploy = {
      publishes = ["routing-outcomes", "deployments-requested", "rejected-events"]
      reads     = []
      writes    = ["state/"]
      queries   = false
      appends   = false
      every     = null
      stage     = false
      memory    = "512Mi"
      cpu       = "1"
      always_on = false
      instances = { min = 0, max = 20 }
      parallel  = 32
    }
    ingest = {
      publishes = []
      reads     = []
      writes    = []
      queries   = false
      appends   = true
      every     = null
      stage     = false
      memory    = "512Mi"
      cpu       = "1"
      always_on = false
      instances = { min = 0, max = 50 }
      parallel  = 256
    }
    # The single writer of the statistics: one instance, and it writes between requests.
    learn = {
      publishes = ["rejected-events"]
      reads     = ["models/", "aliases/", "control/"]
      writes    = ["learning/"]
      queries   = true
      appends   = false
      every     = null
      stage     = false
      memory    = "2Gi"
      cpu       = "1"
      always_on = true
      instances = { min = 1, max = 1 }
      parallel  = 1000
    }
    promote = {
      publishes = ["model-promoted", "rejected-events"]
      reads     = ["models/", "aliases/", "control/", "learning/"]
      writes    = ["aliases/", "control/", "models/", "state/"]
      queries   = true
      appends   = false
      every     = "* * * * *"
      stage     = true
      memory    = "2Gi"
      cpu       = "2"
      always_on = false
      instances = { min = 0, max = 1 }
      parallel  = 4
    }
    route = {
      publishes = ["routing-decisions", "deployments-requested"]
      reads     = ["offers/", "control/"]
      writes    = ["state/"]
      queries   = false
      appends   = false
      every     = null
      stage     = true
      memory    = "512Mi"
      cpu       = "1"
      always_on = true
      instances = { min = 1, max = 50 }
      parallel  = 100
    }
    score = {
      publishes = []
      reads     = ["models/", "aliases/", "control/", "offers/", "learning/"]
      writes    = []
      queries   = false
      appends   = false
      every     = null
      stage     = true
      memory    = "1Gi"
      cpu       = "1"
      always_on = true
      instances = { min = 1, max = 50 }
      parallel  = 100
    }
    train = {
      publishes = ["model-trained", "rejected-events"]
      reads     = ["models/"]
      writes    = ["models/", "state/"]
      queries   = true
      appends   = false
      every     = null
      stage     = false
      memory    = "4Gi"
      cpu       = "2"
      always_on = false
      instances = { min = 0, max = 1 }
      parallel  = 1
    }
    watch = {
      publishes = ["routing-outcomes"]
      reads     = []
      writes    = ["state/"]
      queries   = false
      appends   = false
      every     = "* * * * *"
      stage     = false
      memory    = "512Mi"
      cpu       = "1"
      always_on = false
      instances = { min = 0, max = 1 }
      parallel  = 4
    }
  }

  # A push may take as long as its ack deadline, a call of the clock two minutes, and anything else one.
  timeout_seconds = {
    for name, function in local.functions : name => max(
      function.every == null ? 60 : 120,
      [for subscription in values(local.topology.subscriptions) : subscription.ack_deadline_seconds if subscription.function == name]...
    )
  }

  # Cloud Run gives every service this URL beside the one with a hash in it, so it is known before the service is there: route can
  # be told where score is, and each function for whom its callers' tokens are made out.
  url = { for name in keys(local.functions) : name => "https://aurora-${name}-${data.google_project.this.number}.${var.region}.run.app" }
}

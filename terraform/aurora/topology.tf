# Who hears what, as shared/topology.ts says it (generated), and what is of the infrastructure alone: who publishes, who is asked by
# the clock, and what each function may touch.

locals {
  topology = jsondecode(file("${path.module}/../topology.json"))

  labels = { app = "aurora", environment = var.environment }

  # What a function is and may do, unless it says otherwise: small, gone while nobody calls, and without any right.
  usual = {
    publishes = []
    reads     = []
    writes    = []
    queries   = false
    appends   = false
    every     = null
    stage     = false
    memory    = "512Mi"
    cpu       = "1"
    always_on = false
    instances = { min = 0, max = 1 }
    parallel  = 4
  }

  # By folder. `publishes`: topics; `reads`, `writes`: folders of the bucket; `queries`, `appends`: the record; `every`: when the clock
  # asks it; `stage`: whether it follows AURORA_STAGE; `parallel`: requests that an instance takes at a time.
  own = {
    collect = {
      publishes = ["provider-offers"]
      writes    = ["offers/"]
      every     = "* * * * *"
    }
    deploy = {
      publishes = ["routing-outcomes", "deployments-requested", "rejected-events"]
      writes    = ["state/"]
      instances = { min = 0, max = 20 }
      parallel  = 32
    }
    ingest = {
      appends   = true
      instances = { min = 0, max = 50 }
      parallel  = 256
    }
    # The single writer of the statistics: one instance, and it writes between requests.
    learn = {
      publishes = ["rejected-events"]
      reads     = ["models/", "aliases/", "control/"]
      writes    = ["learning/"]
      queries   = true
      memory    = "2Gi"
      always_on = true
      instances = { min = 1, max = 1 }
      parallel  = 1000
    }
    promote = {
      publishes = ["model-promoted", "rejected-events"]
      reads     = ["models/", "aliases/", "control/", "learning/"]
      writes    = ["aliases/", "control/", "models/", "state/"]
      queries   = true
      every     = "* * * * *"
      stage     = true
      memory    = "2Gi"
      cpu       = "2"
    }
    route = {
      publishes = ["routing-decisions", "deployments-requested"]
      reads     = ["offers/", "control/"]
      writes    = ["state/"]
      stage     = true
      always_on = true
      instances = { min = 1, max = 50 }
      parallel  = 100
    }
    score = {
      reads     = ["models/", "aliases/", "control/", "offers/", "learning/"]
      stage     = true
      memory    = "1Gi"
      always_on = true
      instances = { min = 1, max = 50 }
      parallel  = 100
    }
    train = {
      publishes = ["model-trained", "rejected-events"]
      reads     = ["models/"]
      writes    = ["models/", "state/"]
      queries   = true
      memory    = "4Gi"
      cpu       = "2"
      parallel  = 1
    }
    watch = {
      publishes = ["routing-outcomes"]
      writes    = ["state/"]
      every     = "* * * * *"
    }
  }

  functions = { for name, own in local.own : name => merge(local.usual, own) }

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

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
    keys      = false
    secrets   = []
    env       = []
    every     = null
    awaited   = false
    memory    = "512Mi"
    cpu       = "1"
    always_on = false
    instances = { min = 0, max = 1 }
    parallel  = 4
  }

  # By folder. `publishes`: topics; `reads`, `writes`: folders of the bucket, written ones are read too; `queries`, `appends`: the
  # record; `keys`: of the marketplaces, and whoever has them takes turns at them, in state/; `secrets`: other variables whose values
  # are secrets; `env`: variables that it has beside everybody's (functions.tf); `every`: when the clock asks it; `awaited`: somebody
  # waits for its answer; `parallel`: requests that an instance takes at a time, no more than the function itself lets in.
  own = {
    collect = {
      publishes = ["provider-offers"]
      writes    = ["offers/", "providers/", "state/"]
      keys      = true
      every     = "* * * * *"
    }
    deploy = {
      publishes = ["routing-outcomes", "deployments-requested", "rejected-events"]
      writes    = ["state/"]
      keys      = true
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
      reads     = ["models/", "aliases/"]
      writes    = ["learning/"]
      queries   = true
      env       = ["AURORA_MAX_BYTES_BILLED"]
      memory    = "2Gi"
      always_on = true
      instances = { min = 1, max = 1 }
      parallel  = 1000
    }
    # Looks at the cluster and at the loop itself.
    probe = {
      publishes = ["alerts", "probe-requested", "probe-results", "rejected-events", "routing-decisions"]
      reads     = ["models/", "aliases/", "offers/"]
      writes    = ["probes/"]
      queries   = true
      secrets   = ["AURORA_PROBE"]
      env       = ["AURORA_MAX_BYTES_BILLED"]
      every     = "*/5 * * * *"
    }
    promote = {
      publishes = ["model-promoted", "rejected-events"]
      reads     = ["learning/"]
      writes    = ["aliases/", "control/", "models/", "state/"]
      queries   = true
      env       = ["AURORA_MAX_BYTES_BILLED", "AURORA_STAGE"]
      every     = "*/5 * * * *"
      memory    = "2Gi"
      cpu       = "2"
    }
    route = {
      publishes = ["routing-decisions", "deployments-requested"]
      reads     = ["offers/", "control/", "providers/", "deployments/"]
      writes    = ["state/"]
      keys      = true
      secrets   = ["AURORA_TENANTS"]
      env       = ["AURORA_SCORE_URL", "AURORA_STAGE"]
      awaited   = true
      always_on = true
      instances = { min = 1, max = 50 }
      parallel  = 64
    }
    score = {
      reads     = ["models/", "aliases/", "control/", "offers/", "learning/"]
      env       = ["AURORA_STAGE"]
      awaited   = true
      memory    = "1Gi"
      always_on = true
      instances = { min = 1, max = 50 }
      parallel  = 100
    }
    # The service decides whether to train; the job trains (job.tf), with the same identity and sizes.
    train = {
      publishes = ["model-trained", "training-requested", "rejected-events"]
      writes    = ["models/", "state/"]
      queries   = true
      env       = ["AURORA_MAX_BYTES_BILLED", "AURORA_TRAINING_JOB"]
      every     = "*/15 * * * *"
      memory    = "4Gi"
      cpu       = "2"
      parallel  = 1
    }
    watch = {
      publishes = ["routing-outcomes"]
      writes    = ["deployments/", "state/"]
      keys      = true
      every     = "* * * * *"
    }
  }

  functions = { for name, own in local.own : name => merge(local.usual, own) }

  # The handlers keep their own time, five seconds less than the ack deadline (shared/topology.ts); this is only for what hangs: a push
  # may take as long as its ack deadline, a call of the clock two minutes, and anything else one.
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

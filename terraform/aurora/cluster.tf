# route and score can run in a Kubernetes cluster too (terraform/kubernetes), under the same service accounts as on Cloud Run, so with
# the same rights and no more.

locals {
  # By function, the Kubernetes service account of its pods, which is also the name of its Service there.
  pods = { route = "aurora-router", score = "aurora-score" }

  pod_env = { for name in keys(local.pods) : name => merge(local.env[name], name == "route" ? { AURORA_SCORE_URL = "http://${local.pods["score"]}:8080" } : {}) }

  kustomization = var.cluster == null ? null : templatefile("${path.module}/../kubernetes/overlay.yaml.tftpl", {
    namespace      = var.cluster.namespace
    components     = jsonencode(var.cluster.service_monitor ? ["../../service-monitor"] : [])
    image_name     = split("@", var.image)[0]
    image_digest   = split("@", var.image)[1]
    router_env     = jsonencode([for variable, value in local.pod_env["route"] : "${variable}=${value}"])
    score_env      = jsonencode([for variable, value in local.pod_env["score"] : "${variable}=${value}"])
    router_account = google_service_account.function["route"].email
    score_account  = google_service_account.function["score"].email
  })
}

resource "google_service_account_iam_member" "pod" {
  for_each = var.cluster == null ? {} : local.pods

  service_account_id = google_service_account.function[each.key].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "serviceAccount:${var.cluster.workload_pool}[${var.cluster.namespace}/${each.value}]"
}

#!/usr/bin/env bash
# Does production do what its users need? Looks once, says what it saw by category, and what to do. docs/operations/SMOKE.md
# Exits 0 all passed, 1 degraded, 2 failed, 3 could not run.
[ -n "${BASH_VERSION:-}" ] || { echo 'SMOKE_TEST_PRODUCTION.sh needs bash: run it as bash SMOKE_TEST_PRODUCTION.sh' >&2; exit 3; }
set -uo pipefail

readonly UNABLE=3 NEEDS_NODE=20
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd) || exit "$UNABLE"

usage() {
  cat <<'TEXT'
SMOKE_TEST_PRODUCTION.sh [options]

Looks at the cluster, at what scales it, at its public names and their certificates, and at the services behind them.

  --cluster NAME     context of the kubeconfig, or the name that the cluster has at Google (default: the current context)
  --namespace NS     of the services (default: vaultmesh)
  --skip-ingress     leaves out the public names, and the services that are reached by them
  --skip-auth        does without a login: leaves out what looks at the cluster's API
  --kubeconfig FILE  how the cluster is reached (default: $KUBECONFIG, ~/.kube/config)
  --suite NAME|FILE  another suite: staging, or one of your own (default: production)
  --set NAME=VALUE   what that leaves open, parted by commas
  --only IDS         these checks and those they need, parted by commas
  --junit FILE       writes the results as JUnit XML too
  --json             the results as JSON, for machines
  --help

Exits 0 all passed, 1 degraded (a warning, or something could not be looked at), 2 failed, 3 could not run.
Needs bash, Node 20 or newer, what npm ci installs, and a kubeconfig; no kubectl, no curl.
TEXT
}

# What is wrong, then what to do.
unable() {
  printf 'SMOKE_TEST_PRODUCTION.sh could not run: %s\n    %s\n' "$1" "$2" >&2
  exit "$UNABLE"
}

suite=production
kubeconfig=
auth=yes
words=()
while [[ $# -gt 0 ]]; do
  # --name=value is --name value.
  [[ $1 != --*=* ]] || set -- "${1%%=*}" "${1#*=}" "${@:2}"
  case $1 in
    --cluster | --namespace | --kubeconfig | --suite | --set | --only | --junit)
      [[ $# -ge 2 && -n $2 && $2 != --* ]] || unable "$1 takes a value" 'See --help.'
      case $1 in
        --suite) suite=$2 ;;
        --kubeconfig) kubeconfig=$2 && words+=("$1=$2") ;;
        *) words+=("$1=$2") ;;
      esac
      shift 2
      ;;
    --skip-ingress) words+=(--skip=ingress) && shift ;;
    --skip-auth) auth=no && words+=(--without-cluster) && shift ;;
    --json) words+=(--json) && shift ;;
    --help | -h) usage && exit 0 ;;
    *) unable "there is no option $1" 'See --help.' ;;
  esac
done

command -v node >/dev/null || unable 'there is no node on the PATH' "Install Node $NEEDS_NODE or newer: https://nodejs.org"
version=$(node --version 2>/dev/null) || version=
[[ $version =~ ^v([0-9]+)\. && ${BASH_REMATCH[1]} -ge $NEEDS_NODE ]] ||
  unable "node is ${version:-of no version that can be read}, expected v$NEEDS_NODE or newer" 'Install a newer Node: https://nodejs.org'
[[ -d $root/node_modules/node ]] || unable "$root/node_modules is missing or not whole" "Run: (cd $root && npm ci)"

# The paths of a kubeconfig that are there, of those that kubectl would take.
there() {
  local path
  local -a paths
  IFS=: read -r -a paths <<<"${KUBECONFIG:-${HOME:-}/.kube/config}"
  [[ -z $kubeconfig ]] || paths=("$kubeconfig")
  for path in "${paths[@]}"; do [[ -f $path ]] && return 0; done
  printf '%s' "${paths[*]}"
  return 1
}
if [[ $auth == yes && $suite != local ]]; then
  missing=$(there) || unable "there is no kubeconfig: looked for $missing" \
    'Get one (gcloud container clusters get-credentials NAME --region REGION --project PROJECT), name one (--kubeconfig FILE, or KUBECONFIG), or do without the cluster (--skip-auth).'
fi

node "$root/cli/vm.mjs" smoke "--suite=$suite" ${words[@]+"${words[@]}"}
code=$?
# Its other codes say that it was called wrongly; above 128 a signal has ended it.
if [[ $code -le 3 || $code -gt 128 ]]; then exit "$code"; fi
exit "$UNABLE"

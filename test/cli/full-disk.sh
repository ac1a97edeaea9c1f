# Fills a small disk of its own, which goes with this process, and asks for the status at different points of fullness.
# At last, with room for some of it, a backup of STATE_ELSEWHERE to that disk.
# full-disk.sh MOUNT_POINT EMPTY_RECORD.csv STATE_ELSEWHERE; run within a mount namespace.
set -e
mount -t tmpfs -o size=24m none "$1"
vm() { node --disable-warning=ExperimentalWarning "$(dirname "$0")/../../cli/vm.mjs" "$@"; }
vm replay "$2" --dir "$1/state" >&2
for free in 4 16 28 40 52 64; do
  cat /dev/zero >"$1/filler" 2>/dev/null || true
  truncate -s "-${free}k" "$1/filler"
  echo "== $free KiB"
  vm status --dir "$1/state" 2>&1 || echo "exit $?"
done
rm "$1/filler"
echo "== room again"
vm status --dir "$1/state" 2>&1 || echo "exit $?"
vm replay "$2" --dir "$3" >&2
for free in 16 64 1000; do
  rm -rf "$1/copy" "$1/filler"
  cat /dev/zero >"$1/filler" 2>/dev/null || true
  truncate -s "-${free}k" "$1/filler"
  echo "== backup into $free KiB"
  vm backup "$1/copy" --dir "$3" 2>&1 || echo "exit $?"
done

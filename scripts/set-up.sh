# Read by scripts/up, scripts/test and scripts/node: brings packages, Node 24 and speech models into this checkout.
# Needs bash, npm and any Node. Expects $root; sets $node.

say() { printf '%s\n' "$*" >&2; }
stop() { say "$*"; exit 1; }

# Shows elapsed time on a terminal while the command that follows the title runs; its words go to $log.
while_showing() {
  local title=$1 status=0 spinner=
  shift
  if [ -t 2 ]; then
    ( for ((s = 0; ; s++)); do printf '\r\033[K  %s %d s' "$title" "$s" >&2; sleep 1; done ) &
    spinner=$!
    trap 'kill "$spinner" 2>/dev/null; printf "\n" >&2' EXIT
  else
    say "  $title"
  fi
  "$@" >"$log" 2>&1 || status=$?
  if [ -n "$spinner" ]; then
    kill "$spinner" 2>/dev/null
    wait "$spinner" 2>/dev/null
    trap - EXIT
    printf '\r\033[K  %s %s\n' "$title" "$([ $status = 0 ] && echo done || echo failed)" >&2
  fi
  return $status
}

packages_are_fresh() {
  [ -e "$root/node_modules/.package-lock.json" ] && [ ! "$root/package-lock.json" -nt "$root/node_modules/.package-lock.json" ]
}

explain_npm_failure() {
  # npm adds its whole manual to some errors.
  sed '/Clean install a project/,$d' "$log" | tail -n 30 >&2
  if grep -qiE 'ENOSPC|no space left' "$log"; then
    stop "No room: the packages need about 1 GB in $root, $(df -Pm "$root" | awk 'NR == 2 { print $4 }') MB are free."
  elif grep -qE 'ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET' "$log"; then
    stop "No answer from the package registry. The first start needs a network (or a registry that npm is configured for); later ones do not."
  elif grep -qE 'EACCES|EPERM|EROFS' "$log"; then
    stop "May not write in $root. Start as the user that owns this folder."
  fi
  stop "npm could not install the packages; its own words are above."
}

install_packages() {
  command -v npm >/dev/null || stop "npm is needed for the first start, with any Node beside it. On Debian: apt-get install npm"
  (
    if command -v flock >/dev/null; then flock 9; fi
    if packages_are_fresh; then exit 0; fi
    log=$root/.cache/npm-ci.log
    cd "$root"
    while_showing "Installing packages (first start, or they changed)" \
      npm ci --ignore-scripts --prefer-offline --loglevel=error --no-progress --fetch-retries=2 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=4000 \
      || explain_npm_failure
  ) 9>"$root/.cache/set-up.lock"
}

# The Node that came as a package; where there is none for this system (musl, macOS), the installed one if it is new enough.
find_node() {
  local platform
  case "$(uname -s) $(uname -m)" in
    "Linux x86_64") platform=linux-x64 ;;
    "Linux aarch64" | "Linux arm64") platform=linux-arm64 ;;
    *) platform=none ;;
  esac
  for node in "$root/node_modules/node-$platform/bin/node" "$(command -v node || true)"; do
    [ -x "$node" ] || continue
    case "$("$node" --version 2>/dev/null)" in v2[4-9].* | v[3-9][0-9].*) return ;; esac
  done
  stop "Node 24 or later is needed: none came as a package for $(uname -s) $(uname -m), and none is installed."
}

set_up_packages() {
  mkdir -p "$root/.cache" 2>/dev/null || stop "May not write in $root. Start as the user that owns this folder."
  packages_are_fresh || install_packages
  find_node
  export NODE_COMPILE_CACHE=${NODE_COMPILE_CACHE:-$root/.cache/compiled}
}

set_up_models() {
  "$node" "$root/scripts/setup-models.ts" "$@"
}

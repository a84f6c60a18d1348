#!/usr/bin/env bash
# What a machine runs when it starts: it fetches the runtime and the release, checks and unpacks them, starts the app
# under the supervisor, and waits for its first healthy answer. Running it again does no harm.
#
# Names in capitals are values that were rendered in, or come from the environment. The cloud's functions are
#   instance_id      prints the machine's own id
#   fetch KEY FILE   copies an object of the bucket to a file
#   supervise COMMAND [ARGUMENT…]
#                    optional, in place of systemd: runs the app by that command, with APP_ENVIRONMENT
# They run with `set -e`, may use all that is defined here, and keep secrets out of arguments by `request`. Beside them may
# stand app_output: where systemd sends what the app writes, in the words of its StandardOutput (default: journal).
set -euo pipefail
umask 022

#{settings}

#{functions}

# The environment may say where versions are kept, where systemd's files go, and which address the app has to itself.
home=${SWITCHYARD_HOME:-/opt/switchyard}
etc=${SWITCHYARD_ETC:-/etc}
HEALTH_URL=http://${HOST:-127.0.0.1}:$PORT/healthz
runtime=$home/runtimes/${RUNTIME_SHA512:0:16}
release=$home/releases/$RELEASE_SHA256
images='Ubuntu 24.04, Debian 12 and Amazon Linux 2023 have what is needed'

# A line that finds no room on the disk is no reason to fail.
log() { printf 'switchyard: %s\n' "$*" >&2 2>/dev/null || true; }
fail() {
  log "error: $*"
  exit 1
}

# Each step says what it is doing (for when it fails), then what it has done, in how many seconds.
begin() {
  step=$1
  began=${EPOCHREALTIME/[.,]/}
}
seconds() {
  local tenths=$(((${EPOCHREALTIME/[.,]/} - began) / 100000))
  printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}
finish() { log "$1 in $(seconds) s"; }
# What tells `clones` when a machine answered first, by its own clock.
finish_healthy() { log "app is healthy in $(seconds) s, at $(TZ=UTC0 printf '%(%FT%T)T' -1).${EPOCHREALTIME: -6:3}Z"; }
unfinished=()
on_exit() {
  local status=$?
  ((${#unfinished[@]} == 0)) || rm -rf "${unfinished[@]}" # on a full disk, what is there would keep it full
  ((status == 0)) || log "failed while $step, after $(seconds) s, with exit status $status"
}

# curl with URL, credentials and headers on stdin, in the form of its config file: no list of processes shows them.
request() {
  curl --disable --silent --show-error --fail --noproxy '*' --proto '=http,https' \
    --connect-timeout 5 --max-time 120 --config - "$@"
}

# Runs a command until it succeeds, 10 times at most and for 300 s, then prints what it printed. Pauses double from
# RETRY_BASE_MS to 20 s; half of each is random, so that machines which start together do not ask together.
retry() {
  local attempt output status pause deadline=$((SECONDS + 300))
  for ((attempt = 1; ; attempt++)); do
    set +e # `set -e` has no effect in a condition, so the status is looked at afterwards
    output=$(set -e && "$@")
    status=$?
    set -e
    if ((status == 0)); then
      printf '%s' "$output"
      return
    fi
    kill -0 "$$" 2>/dev/null || fail "$step: the script it was for has been killed"
    ((attempt < 10 && SECONDS < deadline)) || fail "$step failed $attempt times, at last with exit status $status"
    pause=$((${RETRY_BASE_MS:-500} << (attempt - 1)))
    pause=$((pause < 20000 ? pause : 20000))
    pause=$((pause / 2 + RANDOM % (pause / 2 + 1)))
    log "$step failed (attempt $attempt, exit status $status); next attempt in $pause ms"
    sleep "$(printf '%d.%03d' $((pause / 1000)) $((pause % 1000)))"
  done
}

check_tools() {
  local tool version
  for tool in curl flock gzip sha256sum sha512sum tar; do
    command -v "$tool" >/dev/null || fail "$tool is not installed; $images"
  done
  version=$(curl --disable --version)
  [[ $version =~ ^curl\ (([0-9]+)\.([0-9]+)[^ ]*) ]] || fail "curl does not tell its version; $images"
  # Older ones sign requests to S3 that carry a session token wrongly.
  ((BASH_REMATCH[2] * 1000 + BASH_REMATCH[3] >= 7088)) ||
    fail "curl ${BASH_REMATCH[1]} is too old, 7.88 or newer is needed; $images"
}

identify() {
  id=$(retry instance_id)
  [[ $id =~ ^[A-Za-z0-9._:/-]{1,255}$ ]] || fail "the cloud's answer is no instance id: '$id'"
}

# download KEY FILE TOOL HASH
download() {
  local actual
  rm -f "$2"
  fetch "$1" "$2"
  actual=$("$3" "$2")
  actual=${actual%% *}
  [[ $actual == "$4" ]] && return
  rm -f "$2"
  fail "wrong hash of $1: expected $4, got $actual ($3)"
}

# install_version NAME KEY TOOL HASH DIRECTORY [TAR ARGUMENT…]: a directory is there as a whole or not at all, because
# it is unpacked beside its place and renamed. Machines that share a disk take turns; the first one does it for all.
install_version() {
  local name=$1 key=$2 tool=$3 hash=$4 directory=$5 archive=$5.archive.$$
  shift 5
  begin "fetching $name"
  mkdir -p "${directory%/*}"
  exec 9>"$directory.lock"
  [[ -d $directory ]] || flock --wait 600 9 || fail "another machine has held $directory.lock for 600 s"
  if [[ -d $directory ]]; then
    finish "found $name"
  else
    rm -rf "$directory.partial" "$directory".archive.*
    unfinished=("$directory.partial" "$archive")
    ( # without the lock, so that a download which outlives this script does not hold it
      exec 9>&-
      retry download "$key" "$archive" "$tool" "$hash"
    )
    finish "fetched $name"
    begin "unpacking $name"
    mkdir "$directory.partial"
    tar -xzf "$archive" -C "$directory.partial" --no-same-owner "$@"
    chmod -R a+rX "$directory.partial"
    rm "$archive"
    mv "$directory.partial" "$directory"
    unfinished=()
    finish "unpacked $name"
  fi
  exec 9>&-
}

# wait_until_healthy COMMAND [ARGUMENT…]: false when no healthy answer comes in time, or once that command fails.
wait_until_healthy() {
  local status='' deadline=$((SECONDS + TIMEOUT_SECONDS + 1)) # SECONDS may be about to change
  until [[ $status == 200 ]]; do
    ((SECONDS < deadline)) || return 1
    "$@" 2>/dev/null || return 1
    [[ -z $status ]] || sleep 0.1
    status=$(curl --disable --silent --noproxy '*' --max-time 5 --output /dev/null --write-out '%{http_code}' \
      "$HEALTH_URL") || true
  done
}

# systemd_unit COMMAND [ARGUMENT…]
systemd_unit() {
  local capability=''
  ((PORT >= 1024)) || capability=CAP_NET_BIND_SERVICE
  cat <<UNIT
[Unit]
Description=Switchyard app
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=$(printf '"%s" ' "$@")
StandardOutput=${app_output:-journal}
EnvironmentFile=$etc/switchyard/app.env
Restart=always
RestartSec=1
KillMode=mixed
KillSignal=SIGTERM
TimeoutStopSec=$STOP_SECONDS
DynamicUser=yes
UMask=0077
AmbientCapabilities=$capability
CapabilityBoundingSet=$capability
LockPersonality=yes
# V8 compiles to memory that it then executes.
MemoryDenyWriteExecute=no
NoNewPrivileges=yes
PrivateDevices=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=@system-service

[Install]
WantedBy=multi-user.target
UNIT
}

# write_file FILE MODE: replaces a file by stdin in one step; nobody else can read it before it has its mode.
write_file() {
  mkdir -p "${1%/*}"
  (umask 077 && cat >"$1.new")
  chmod "$2" "$1.new"
  mv "$1.new" "$1"
}

# supervise_with_systemd COMMAND ARGUMENT: restarts the app only when its unit or environment is not what was last started, or when it does not run.
supervise_with_systemd() {
  local unit=$etc/systemd/system/switchyard.service environment=$etc/switchyard/app.env
  local started=$home/started wanted
  begin 'starting the app'
  systemd_unit "$@" | write_file "$unit" 644
  printf '%s\n' "${APP_ENVIRONMENT[@]}" | sed -E 's/["$\\`]/\\&/g; s/=(.*)/="\1"/' | write_file "$environment" 600
  wanted=$(cat "$unit" "$environment" | sha256sum)
  systemctl daemon-reload
  systemctl --quiet enable switchyard.service
  if [[ -f $started && $(<"$started") == "$wanted" ]] && systemctl --quiet is-active switchyard.service; then
    finish 'found the app running'
  else
    systemctl restart switchyard.service
    write_file "$started" 644 <<<"$wanted"
    finish 'started the app'
  fi
  begin 'waiting for the app'
  if ! wait_until_healthy true; then
    journalctl --unit switchyard.service --no-pager --lines 40 >&2 || log 'its log could not be read'
    fail "no healthy answer at $HEALTH_URL within $TIMEOUT_SECONDS s; see journalctl --unit switchyard"
  fi
  finish_healthy
}

main() {
  if ((BASH_VERSINFO[0] < 5)); then
    log "error: bash $BASH_VERSION is too old, 5.0 or newer is needed; $images"
    exit 1
  fi
  shopt -s inherit_errexit
  trap on_exit EXIT
  begin 'checking tools'
  check_tools
  finish 'checked tools'
  begin 'identifying the machine'
  identify
  finish "identified the machine as $id"
  install_version runtime "$RUNTIME_KEY" sha512sum "$RUNTIME_SHA512" "$runtime" \
    --strip-components=1 package/bin/node package/LICENSE
  install_version release "$RELEASE_KEY" sha256sum "$RELEASE_SHA256" "$release"
  APP_ENVIRONMENT+=("INSTANCE_ID=$id" "HOST=${HOST:-0.0.0.0}")
  # Chunks of uploads that are sent already are then freed soon: 60 MB less memory, for 5 % more processor time.
  local command=("$runtime/bin/node" --max-semi-space-size=2 "$release/server.js")
  if declare -F supervise >/dev/null; then supervise "${command[@]}"; else supervise_with_systemd "${command[@]}"; fi
}

# The last line, so that a script cut short does nothing.
main

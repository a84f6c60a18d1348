# shellcheck shell=bash
# The control plane gives each machine an address of its own for its identity and the bucket's objects. It is a
# secret: whoever knows it is that machine.
instance_id() { request <<<"url = \"$SWITCHYARD_IDENTITY_URL/instance-id\""; }

fetch() { request --output "$2" <<<"url = \"$SWITCHYARD_IDENTITY_URL/objects/$1\""; }

# The app takes this script's place, and so its process id; the control plane, which started it, supervises it.
supervise() {
  local inherited
  begin 'waiting for the app'
  (stop_unless_healthy "$$" &) # a grandchild, so that the app is not the parent of a process it does not know
  mapfile -t inherited <<<"$(compgen -e)"
  export -n "${inherited[@]}"
  export "${APP_ENVIRONMENT[@]}" "IDENTITY_URL=$SWITCHYARD_IDENTITY_URL"
  export "NODE_OPTIONS=--max-old-space-size=$MAX_OLD_SPACE_MB"
  exec "$@"
}

# stop_unless_healthy PID: KILL follows TERM for an app that does not end within STOP_SECONDS.
stop_unless_healthy() {
  if wait_until_healthy kill -0 "$1"; then
    finish_healthy
    return
  fi
  if ! kill -TERM "$1" 2>/dev/null; then
    log 'error: the app ended before it was healthy; its own lines above say why'
    return
  fi
  log "error: no healthy answer at $HEALTH_URL within $TIMEOUT_SECONDS s; stopping the app, see its lines above"
  local deadline=$((SECONDS + STOP_SECONDS))
  while kill -0 "$1" 2>/dev/null; do
    ((SECONDS < deadline)) || kill -KILL "$1" 2>/dev/null
    sleep 0.1
  done
}

#!/bin/sh
# supervise.sh LOCK COMMAND [ARGUMENT…]: runs the control plane unless one holds the lock, and starts it again when it
# was killed, or failed after a while. One that fails within two seconds would only fail again.
lock=$1
shift
while
  start=$(date +%s)
  # The lock is this flock's alone: machines, which outlive the control plane, must not inherit it.
  flock --nonblock --close --conflict-exit-code 0 "$lock" "$@"
  code=$?
  [ $code -gt 128 ] || { [ $code -ne 0 ] && [ $(($(date +%s) - start)) -ge 2 ]; }
do :; done
exit $code

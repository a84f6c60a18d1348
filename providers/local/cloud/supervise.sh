#!/bin/sh
# supervise.sh COMMAND [ARGUMENT…]: runs the control plane, and starts it again when it was killed, or failed after a
# while. One that fails within two seconds would only fail again.
while
  start=$(date +%s)
  "$@"
  code=$?
  [ $code -gt 128 ] || { [ $code -ne 0 ] && [ $(($(date +%s) - start)) -ge 2 ]; }
do :; done
exit $code

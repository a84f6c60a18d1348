#!/usr/bin/env bash
# supervise.sh run|adopt LOCK SECONDS COMMAND [ARGUMENT…]: runs the control plane unless one holds the lock, and starts it
# again when it was killed, hangs, or failed after a while. One that fails within two seconds would only fail again.
#
# The control plane inherits the lock as descriptor 3, and so holds it even when this is killed. To descriptor 4 it writes a
# line with its process id more often than every SECONDS, and "end" before it ends for good. One that has lost its
# supervisor, or took over from another, starts this to be adopted: the lock is then 3 here, and its lines come from 5.
set -u
mode=$1 lock=$2 patience=$3
shift 3
if [[ $mode == run ]]; then
  exec 3>>"$lock" || exit
  flock --nonblock 3 || exit 0
fi

# Returns once the control plane is gone: whoever has the other end of the pipe holds it open.
watch() {
  local line status
  while :; do
    read -r -t "$patience" -u 5 line
    status=$?
    if ((status == 0)); then
      if [[ $line == end ]]; then ended=1; else pid=$line; fi
    elif ((status <= 128)); then
      return
    elif [[ -n $pid ]]; then
      echo "the control plane, process $pid, has not been heard of for $patience seconds; killing it" >&2
      kill -KILL "$pid"
    fi
  done
}

pid='' ended=''
while [[ -z $ended ]]; do
  started=$SECONDS code=137
  if [[ $mode == run ]]; then
    exec 5< <(exec "$@" 4>&1 1>&2)
    pid=$!
    watch
    wait "$!"
    code=$?
  else
    watch
    mode=run
  fi
  exec 5<&-
  [[ -n $ended ]] || ((code > 128)) || ((SECONDS - started >= 2)) || exit "$code"
done

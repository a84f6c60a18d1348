#!/usr/bin/env bash
# What a copy of a machine runs as its user data (Google Cloud: its startup script) before an image is made of it: it takes away what is the machine's own, all
# but the runtime and the release, and switches the copy off. The cloud makes the image of a disk that nobody writes to.
set -euo pipefail

# Where the system is: below another folder in tests.
root=${SWITCHYARD_ROOT:-}
unit=switchyard.service

seal() {
  # What writes would leave something behind, be it when it is stopped.
  systemctl disable --now "$unit"
  local writer
  for writer in syslog.socket rsyslog.service systemd-random-seed.service; do
    systemctl stop "$writer" 2>/dev/null || true # not every system has it
  done
  journalctl --relinquish-var
  shopt -s nullglob dotglob
  rm -rf "$root/etc/systemd/system/$unit" "$root/etc/switchyard" "$root/opt/switchyard/started"
  rm -rf "$root"/opt/switchyard/*/*.{lock,partial,archive.*}
  # Who may log in, and by which keys the machine is known, is said to each machine anew.
  rm -f "$root"/etc/ssh/ssh_host_*
  rm -f "$root"{/root,/home/*}/{.ssh/authorized_keys,.bash_history}
  # Uploads that were under way stand in the app's own temporary folder.
  rm -rf "$root"/tmp/* "$root"/var/tmp/*
  rm -rf "$root"/var/lib/{cloud,dhcp,amazon/ssm}/* "$root"/var/lib/systemd/{random-seed,credential.secret}
  rm -f "$root/etc/google_instance_id"
  # With the address on the wire.
  rm -f "$root"/etc/{netplan/50-cloud-init.yaml,network/interfaces.d/50-cloud-init*,systemd/network/10-cloud-init-*}
  # Memory of processes that crashed.
  rm -rf "$root"/var/{crash,lib/systemd/coredump}/*
  # The journal's folder has the machine's id for a name.
  rm -rf "$root"/var/log/journal/*
  find "$root/var/log" -type f -delete
  # The next machine makes its own id when this is empty (machine-id(5)).
  rm -f "$root/var/lib/dbus/machine-id"
  : >"$root/etc/machine-id"
  sync
  systemctl poweroff --no-block
}

# What ran this writes on what it did after its last script has ended: cloud-init, or Google's guest agent. On Debian nothing
# below /run may be executed, but bash may read it.
if [[ ${1:-} == seal ]]; then
  seal
else
  install -m 600 "$0" "$root/run/switchyard-seal"
  systemd-run --no-block --collect --property=After='cloud-final.service google-startup-scripts.service' \
    bash "$root/run/switchyard-seal" seal
fi

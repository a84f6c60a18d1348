#!/usr/bin/env bash
# What a copy of a machine runs as its user data before an image is made of it: it takes away what is the machine's own, all
# but the runtime and the release, and switches the copy off. The cloud makes the image of a disk that nobody writes to.
set -euo pipefail

# Where the system is: below another folder in tests.
root=${SWITCHYARD_ROOT:-}
unit=switchyard.service

seal() {
  # What writes would leave something behind.
  systemctl disable --now "$unit"
  systemctl stop rsyslog.service 2>/dev/null || true # not every system has it
  shopt -s nullglob dotglob
  rm -rf "$root/etc/systemd/system/$unit" "$root/etc/switchyard" "$root/opt/switchyard/started"
  rm -rf "$root"/opt/switchyard/*/*.{lock,partial,archive.*}
  # Who may log in, and by which keys the machine is known, is said to each machine anew.
  rm -f "$root"/etc/ssh/ssh_host_*
  rm -f "$root"{/root,/home/*}/{.ssh/authorized_keys,.bash_history}
  # Uploads that were under way stand in the app's own temporary folder.
  rm -rf "$root"/tmp/* "$root"/var/tmp/*
  rm -rf "$root"/var/lib/{cloud,dhcp,amazon/ssm}/* "$root"/var/lib/systemd/{random-seed,credential.secret}
  find "$root/var/log" -type f -delete
  # The next machine makes its own id when this is empty (machine-id(5)).
  rm -f "$root/var/lib/dbus/machine-id"
  : >"$root/etc/machine-id"
  sync
  systemctl poweroff --no-block
}

# cloud-init writes on what it did after its last script has ended.
if [[ ${1:-} == seal ]]; then
  seal
else
  install -m 700 "$0" "$root/run/switchyard-seal"
  systemd-run --no-block --collect --property=After=cloud-final.service "$root/run/switchyard-seal" seal
fi

#!/usr/bin/env bash
# Makes what every Keystone of the tests starts from, in the current folder, where keystone.conf is: its database, with
# an administrator and roles, and its keys. template.sh BIN, where BIN has Keystone's programs.
set -euo pipefail
export PYTHONWARNINGS=ignore
manage() { "$bin/keystone-manage" --config-file keystone.conf "$@"; }
bin=$1
mkdir -p fernet credential
manage db_sync
manage fernet_setup --keystone-user "$(id -un)" --keystone-group "$(id -gn)"
manage credential_setup --keystone-user "$(id -un)" --keystone-group "$(id -gn)"
# Where it listens is written into the database when it starts.
manage bootstrap --bootstrap-password admin-password --bootstrap-region-id RegionOne \
  --bootstrap-public-url http://127.0.0.1:1/v3 --bootstrap-internal-url http://127.0.0.1:1/v3 \
  --bootstrap-admin-url http://127.0.0.1:1/v3

#!/usr/bin/env bash
# Makes the empty databases that the cloud starts from, in the current folder, where the services' configuration is, and
# the certificate that Octavia signs by. template.sh BIN SCRIPTS FOLDER, where BIN has the services' programs and FOLDER is
# the current one.
set -euo pipefail
export PYTHONWARNINGS=ignore
bin=$1
nova() { "$bin/nova-manage" --config-file nova.conf "$@"; }

openssl req -x509 -nodes -newkey rsa:2048 -subj /CN=octavia -days 36500 -keyout ca.key -out ca.pem
# Each takes seconds to read its own program.
"$bin/python" "$2/make_databases.py" & made=$!
"$bin/placement-manage" --config-file placement.conf db sync & placement=$!
"$bin/glance-manage" --config-file glance-api.conf db_sync & glance=$!
nova api_db sync
nova cell_v2 map_cell0 --database_connection "sqlite:///$3/nova_cell0.db?timeout=60"
nova db sync
nova cell_v2 create_cell --name cell1
for job in "$made" "$placement" "$glance"; do wait "$job"; done

# shellcheck shell=bash
# Machines of OpenStack have no identity of their own, so they log in with the credential that the app has.

# Nova keeps of a machine's log what it writes to its console.
app_output=journal+console

# cloud-init has it from the config drive or the metadata service; without cloud-init the latter is asked.
instance_id() {
  local answer known=${SWITCHYARD_CLOUD_INIT:-/var/lib/cloud}/data/instance-id
  if [[ -s $known ]]; then
    tr -d '[:space:]' <"$known"
    return
  fi
  answer=$(request <<<"url = \"${SWITCHYARD_METADATA_URL:-http://169.254.169.254}/openstack/latest/meta_data.json\"")
  [[ $answer =~ \"uuid\"\ *:\ *\"([^\"]+)\" ]] || fail 'the metadata service answers without an id'
  printf '%s' "${BASH_REMATCH[1]}"
}

# app_variable NAME: what the app is told, secrets among it, which stand in the script once.
app_variable() {
  local entry
  for entry in "${APP_ENVIRONMENT[@]}"; do
    [[ $entry != "$1="* ]] || printf '%s' "${entry#*=}"
  done
}

# quoted TEXT: as a string of JSON or of curl's config file, without the quotes.
quoted() {
  local text=${1//\\/\\\\}
  printf '%s' "${text//\"/\\\"}"
}

# percent_encode KEY: as a path and SigV4 want it, all but unreserved characters and slashes.
percent_encode() {
  local LC_ALL=C i character
  for ((i = 0; i < ${#1}; i++)); do
    character=${1:i:1}
    [[ $character == [A-Za-z0-9._~/-] ]] || printf -v character '%%%02X' $(($(printf '%d' "'$character") & 255))
    printf '%s' "$character"
  done
}

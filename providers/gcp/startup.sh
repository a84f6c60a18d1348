# shellcheck shell=bash
# Identity and access tokens come from the metadata server. Every use asks anew, for a token that is still good.
instance_id() { metadata instance/id; }

# What the app writes is on the serial port, too, which `npm run logs` reads.
app_output=journal+console

# metadata PATH
metadata() {
  request <<<"url = \"${SWITCHYARD_METADATA_URL:-http://169.254.169.254}/computeMetadata/v1/$1\"
header = \"Metadata-Flavor: Google\""
}

# New rights take minutes until they are known everywhere, and this script runs again only when the machine boots again:
# so 403 is no failure until ten minutes have passed since it began.
fetch() {
  local answer token status key
  key=$(percent_encode "$1")
  while true; do
    answer=$(metadata instance/service-accounts/default/token) || fail 'the metadata server gives no token for this instance'
    [[ $answer =~ \"access_token\"\ *:\ *\"([^\"]+)\" ]] || fail 'the metadata server answered without a token'
    token=${BASH_REMATCH[1]}
    status=$(request --no-fail --output "$2" --write-out '%{http_code}' <<<"url = \"${SWITCHYARD_GCS_URL:-https://storage.googleapis.com}/storage/v1/b/$BUCKET/o/$key?alt=media\"
header = \"Authorization: Bearer $token\"")
    [[ $status != 200 ]] || return 0
    [[ $status == 403 ]] && ((SECONDS < ${SWITCHYARD_DENIED_SECONDS:-600})) || break
    log "Cloud Storage answered 403 for $1, as it does while new rights are not known yet; next attempt soon"
    sleep "${SWITCHYARD_DENIED_PAUSE:-$((5 + RANDOM % 6))}"
  done
  fail "Cloud Storage answered $status for $1 in bucket $BUCKET"
}

# percent_encode KEY: as the JSON API wants an object's name, all but unreserved characters.
percent_encode() {
  local LC_ALL=C i character
  for ((i = 0; i < ${#1}; i++)); do
    character=${1:i:1}
    [[ $character == [A-Za-z0-9._~-] ]] || printf -v character '%%%02X' $(($(printf '%d' "'$character") & 255))
    printf '%s' "$character"
  done
}

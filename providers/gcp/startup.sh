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
  local answer token status said url
  url="${SWITCHYARD_GCS_URL:-https://storage.googleapis.com}/storage/v1/b/$BUCKET/o/$(percent_encode "$1")?alt=media"
  while true; do
    answer=$(metadata instance/service-accounts/default/token) || fail 'the metadata server gives no token for this machine'
    [[ $answer =~ \"access_token\"\ *:\ *\"([^\"]+)\" ]] || fail 'the metadata server answers without a token'
    token=${BASH_REMATCH[1]}
    status=$(request --no-fail --output "$2" --write-out '%{http_code}' <<<"url = \"$url\"
header = \"Authorization: Bearer $token\"")
    [[ $status != 200 ]] || return 0
    if [[ $status != 403 ]] || ((SECONDS >= ${DENIED_SECONDS:-600})); then break; fi
    log "Cloud Storage answered 403 for $1, as it does while new rights are not known yet; it is asked again"
    sleep "${DENIED_PAUSE:-$((5 + RANDOM % 6))}"
  done
  said=$(head -c 300 "$2" | tr -c '[:print:]' ' ')
  fail "Cloud Storage answered $status for $1 in bucket $BUCKET${said:+: $said}"
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

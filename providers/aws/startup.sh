# shellcheck shell=bash
# Identity and credentials come from the instance metadata service, version 2. Every use asks anew, for a session token
# and for the role's current credentials, so that nothing which has expired is used twice.
instance_id() { metadata instance-id; }

# metadata PATH
metadata() {
  local url=${SWITCHYARD_IMDS_URL:-http://169.254.169.254}/latest token
  token=$(request --request PUT <<<"url = \"$url/api/token\"
header = \"X-aws-ec2-metadata-token-ttl-seconds: 60\"")
  request <<<"url = \"$url/meta-data/$1\"
header = \"X-aws-ec2-metadata-token: $token\""
}

fetch() {
  local role credentials id secret token url status code
  # S3 wants to be told the hash of the empty payload, which curl 7.88 leaves out.
  local nothing=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
  role=$(metadata iam/security-credentials/) || fail 'the metadata service names no role of this instance'
  credentials=$(metadata "iam/security-credentials/$role")
  id=$(credential AccessKeyId)
  secret=$(credential SecretAccessKey)
  token=$(credential Token)
  url=${SWITCHYARD_S3_URL:-https://$BUCKET.s3.$AWS_REGION.amazonaws.com}/$(percent_encode "$1")
  status=$(request --no-fail --output "$2" --write-out '%{http_code}' <<<"url = \"$url\"
aws-sigv4 = \"aws:amz:$AWS_REGION:s3\"
user = \"$id:$secret\"
header = \"x-amz-security-token: $token\"
header = \"x-amz-content-sha256: $nothing\"")
  [[ $status != 200 ]] || return 0
  code=$(head -c 4096 "$2" | sed -n 's:.*<Code>\([A-Za-z0-9]*\)</Code>.*:\1:p')
  fail "S3 answered $status${code:+ $code} for $1 in bucket $BUCKET, asked as role $role"
}

# credential NAME: a field of $credentials, a JSON object of strings; no message shows it.
credential() {
  [[ $credentials =~ \"$1\"\ *:\ *\"([^\"]+)\" ]] || fail "the metadata service has no $1 for role $role"
  printf '%s' "${BASH_REMATCH[1]}"
}

# percent_encode KEY: as SigV4 wants a path, all but unreserved characters and slashes.
percent_encode() {
  local LC_ALL=C i character
  for ((i = 0; i < ${#1}; i++)); do
    character=${1:i:1}
    [[ $character == [A-Za-z0-9._~/-] ]] || printf -v character '%%%02X' $(($(printf '%d' "'$character") & 255))
    printf '%s' "$character"
  done
}

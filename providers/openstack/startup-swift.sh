# shellcheck shell=bash
# The application credential logs in anew for each object: a token that has expired is used by nobody.

# log_in: prints a token, and the URL of the account at the object store.
log_in() {
  local id secret body answer status
  id=$(quoted "$(app_variable OS_APPLICATION_CREDENTIAL_ID)")
  secret=$(quoted "$(app_variable OS_APPLICATION_CREDENTIAL_SECRET)")
  body="{\"auth\":{\"identity\":{\"methods\":[\"application_credential\"],\"application_credential\":{\"id\":\"$id\",\"secret\":\"$secret\"}}}}"
  answer=$(request --no-fail --include <<<"url = \"$OS_AUTH_URL/auth/tokens\"
header = \"Content-Type: application/json\"
data = \"$(quoted "$body")\"")
  status=${answer#* }
  status=${status%%[!0-9]*}
  [[ $status == 201 ]] ||
    fail "Keystone answered $status to the application credential $id: has it been deleted, or has it expired?"
  python3 -c "$find_account" "$OS_REGION_NAME" <<<"$answer" ||
    fail "Keystone's catalog has no public object-store in region $OS_REGION_NAME"
}

# cloud-init brings Python, and nothing else at hand reads JSON.
find_account='
import json, sys
head, _, body = sys.stdin.read().replace("\r\n", "\n").partition("\n\n")
token = [line.partition(": ")[2] for line in head.splitlines() if line.lower().startswith("x-subject-token:")]
urls = [e["url"] for s in json.loads(body)["token"]["catalog"] if s["type"] == "object-store" for e in s["endpoints"]
        if e["interface"] == "public" and sys.argv[1] in (e.get("region_id"), e.get("region"))]
sys.exit(1) if not token or not urls else print(token[0], urls[0].rstrip("/"))
'

fetch() {
  local session token account status said
  session=$(log_in)
  read -r token account <<<"$session"
  status=$(request --no-fail --output "$2" --write-out '%{http_code}' <<<"url = \"$account/$CONTAINER/$(percent_encode "$1")\"
header = \"X-Auth-Token: $token\"")
  [[ $status != 200 ]] || return 0
  said=$(head -c 300 "$2" | tr -c '[:print:]' ' ')
  fail "Swift answered $status for $1 in container $CONTAINER${said:+: $said}"
}

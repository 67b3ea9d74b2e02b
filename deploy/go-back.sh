#!/bin/sh
# make rollback HOST=ubuntu@host [VERSION=…]: the release before the current one runs again, or the one named.
set -eu
host=${HOST:?who and where, as in make rollback HOST=ubuntu@fake-email.example}
case ${VERSION:-} in *[!A-Za-z0-9._-]*) echo "rollback: $VERSION is no version" >&2; exit 1 ;; esac
# shellcheck disable=SC2086  # several options
exec ssh -n ${SSH_OPTIONS:-} "$host" "sudo -n /opt/fake-email/current/deploy/rollback.sh ${VERSION:-}"

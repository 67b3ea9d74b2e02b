#!/bin/sh
# make rollback HOST=ubuntu@host [VERSION=…]: run the previous release again, or the release VERSION.
set -eu
host=${HOST:?is required: the user and the host, for example make rollback HOST=ubuntu@fake-email.example}
case ${VERSION:-} in *[!A-Za-z0-9._-]*) echo "rollback: $VERSION is not a version" >&2; exit 1 ;; esac
# shellcheck disable=SC2086  # several options
exec ssh -n ${SSH_OPTIONS:-} "$host" "sudo -n /opt/fake-email/current/deploy/rollback.sh ${VERSION:-}"

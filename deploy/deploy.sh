#!/bin/sh
# make deploy HOST=ubuntu@host [RELEASE=dist/….tar.gz]: build a release for the host, copy it there, and install it.
# SSH_OPTIONS are options of ssh and scp, for example -i key -o Port=2222.
set -eu
host=${HOST:?is required: the user and the host, for example make deploy HOST=ubuntu@fake-email.example}
cd "$(dirname "$0")/.."
# shellcheck disable=SC2086  # several options
on_host() { ssh -n ${SSH_OPTIONS:-} "$host" "$@"; }

if [ -z "${RELEASE:-}" ]; then
    # shellcheck disable=SC2016  # the shell of the host expands it
    target=$(on_host 'p=/opt/fake-email/python/bin/python3; [ -x $p ] || p=python3; uname -m; $p -c "import sys
print(\"%d.%d\" % sys.version_info[:2])"')
    RELEASE=$(ARCH=${target%%[!a-z0-9_]*} PYTHON_VERSION=${target##*[!0-9.]} "${PYTHON:-.venv/bin/python}" deploy/release.py)
fi
(cd "$(dirname "$RELEASE")" && sha256sum --check --quiet "$(basename "$RELEASE").sha256")
name=$(basename "$RELEASE" .tar.gz)
# A folder for each deploy: two at once would write into one file, and one of them would unpack half of it.
folder=$(on_host 'mktemp -d -p .')
# shellcheck disable=SC2086
scp ${SSH_OPTIONS:-} "$RELEASE" "$host:$folder/" || { on_host "rm -rf $folder"; exit 1; }
on_host "tar -xzf $folder/$name.tar.gz -C $folder && sudo -n $folder/$name/deploy/install.sh; s=\$?; rm -rf $folder; exit \$s"

#!/bin/sh
# Goes back to the release before the current one, or to the one named; root runs it on the host, out of `current`.
set -eu
cd "$(dirname "$0")"
python=/opt/fake-email/python/bin/python3
[ -x "$python" ] || python=/usr/bin/python3
exec "$python" -E -B rollback.py "$@"

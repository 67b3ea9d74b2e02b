#!/bin/sh
# Roll back to the previous release, or to the version given; root runs this on the host, in /opt/fake-email/current.
set -eu
cd "$(dirname "$0")"
python=/opt/fake-email/python/bin/python3
[ -x "$python" ] || python=/usr/bin/python3
exec "$python" -E -B rollback.py "$@"

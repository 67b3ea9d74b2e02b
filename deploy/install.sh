#!/bin/sh
# Installs the release that this lies in; root runs it on the host, out of the unpacked tarball.
set -eu
cd "$(dirname "$0")"
python=/opt/fake-email/python/bin/python3
[ -x "$python" ] || python=/usr/bin/python3
exec "$python" -E -B install.py

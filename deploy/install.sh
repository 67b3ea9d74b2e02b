#!/bin/sh
# Install the release that contains this script; root runs this on the host, in the unpacked tarball.
set -eu
cd "$(dirname "$0")"
python=/opt/fake-email/python/bin/python3
[ -x "$python" ] || python=/usr/bin/python3
exec "$python" -E -B install.py

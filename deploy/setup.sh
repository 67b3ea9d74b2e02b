#!/bin/sh
# Set up a bare host. Run this there as a user with sudo rights; a second run changes only what is missing or different:
# DATABASE_URL='postgres://…' DOMAIN=fake-email.example VERCEL_ORIGIN='https://your-app.vercel.app' deploy/setup.sh
set -eu
cd "$(dirname "$0")"
CHANGES=$(mktemp)
export CHANGES
trap 'rm -f "$CHANGES"' EXIT

# The first two steps only check: when one of them fails, the host is unchanged.
for step in host database packages units settings caddy firewall release; do
    sed -n '2s/^# /== /p' "host_setup/$step.sh"
    "host_setup/$step.sh"
done
if [ -s "$CHANGES" ]; then
    echo "== changes: $(wc -l <"$CHANGES")"
else
    echo "== no changes: this host was already set up"
fi
host_setup/doctor.sh

#!/bin/sh
# A bare host made ready, by a user who may sudo; safe to run again:
# DATABASE_URL='postgres://…' DOMAIN=fake-email.example VERCEL_ORIGIN='https://your-app.vercel.app' deploy/setup.sh
set -eu
cd "$(dirname "$0")"
CHANGES=$(mktemp)
export CHANGES
trap 'rm -f "$CHANGES"' EXIT

# The first two only look: what they refuse leaves the host as it was.
for step in host database packages units settings caddy firewall release; do
    sed -n '2s/^# /== /p' "host_setup/$step.sh"
    "host_setup/$step.sh"
done
if [ -s "$CHANGES" ]; then
    echo "== changed: $(wc -l <"$CHANGES")"
else
    echo "== nothing changed: this host was ready"
fi
sudo python3 -E -B summary.py --wait 60

#!/bin/sh
# Whether Caddy takes deploy/Caddyfile as it is, and systemd the units; with the commands in the directory given.
set -eu
cd "$(dirname "$0")/.."
fail() { echo "$*" >&2; exit 1; }
said=$(DOMAIN=fake-email.example "$1/caddy" validate --config deploy/Caddyfile --adapter caddyfile 2>&1) || fail "$said"
"$1/caddy" fmt deploy/Caddyfile 2>/dev/null | cmp -s - deploy/Caddyfile || fail "deploy/Caddyfile: caddy fmt --overwrite"
"$1/pytest" -q -n0 tests/deploy/test_units.py

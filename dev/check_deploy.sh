#!/bin/sh
# Check that Caddy accepts deploy/Caddyfile and that systemd accepts the units; $1 is the directory of the commands.
set -eu
cd "$(dirname "$0")/.."
fail() { echo "$*" >&2; exit 1; }
said=$(DOMAIN=fake-email.example "$1/caddy" validate --config deploy/Caddyfile --adapter caddyfile 2>&1) || fail "$said"
"$1/caddy" fmt deploy/Caddyfile 2>/dev/null | cmp -s - deploy/Caddyfile || fail "deploy/Caddyfile is not formatted: run caddy fmt --overwrite deploy/Caddyfile"
"$1/pytest" -q -n0 tests/deploy/test_units.py

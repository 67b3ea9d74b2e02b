#!/bin/sh
# Caddy: the API by HTTPS, and the mail host's certificate
. host_setup/common.sh
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
chmod 755 "$new"

printf '# The Caddyfile names the hosts by it.\n[Service]\nEnvironment=DOMAIN=%s\n' "$(wanted domain)" >"$new/unit"
cp Caddyfile "$new/Caddyfile"
chmod 644 "$new/Caddyfile"
HOME=$new DOMAIN=$(wanted domain) caddy validate --config "$new/Caddyfile" --adapter caddyfile >"$new/said" 2>&1 ||
    fail "Caddy does not take the Caddyfile, and goes on with the one it has: $(tail -n 3 "$new/said")"

put "$new/unit" /etc/systemd/system/caddy.service.d/fake-email.conf 644
[ -z "$is_changed" ] || sudo systemctl daemon-reload
# What is not ours is kept.
if [ -e /etc/caddy/Caddyfile ] && [ ! -e /etc/caddy/Caddyfile.before-fake-email ]; then
    sudo cp -p /etc/caddy/Caddyfile /etc/caddy/Caddyfile.before-fake-email
fi
put "$new/Caddyfile" /etc/caddy/Caddyfile 644
if [ -n "$is_changed" ] || ! systemctl is-active --quiet caddy; then
    sudo systemctl enable --quiet caddy
    sudo systemctl reload-or-restart caddy || fail "Caddy does not start: $(sudo journalctl -u caddy -n 5 -o cat)"
fi

#!/bin/sh
# Caddy: HTTPS for the API, and the certificate of the mail host
. host_setup/common.sh
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
chmod 755 "$new"

cat >"$new/unit" <<UNIT
[Service]
# The host names in the Caddyfile contain it.
Environment=DOMAIN=$(setting domain)
# For the socket of the admin API, which only Caddy's user and root may open.
RuntimeDirectory=caddy
RuntimeDirectoryMode=0700
UMask=0077
UNIT
cp Caddyfile "$new/Caddyfile"
chmod 644 "$new/Caddyfile"
HOME=$new DOMAIN=$(setting domain) caddy validate --config "$new/Caddyfile" --adapter caddyfile >"$new/output" 2>&1 ||
    fail "Caddy rejects the Caddyfile and keeps its old one: $(tail -n 3 "$new/output")"

put "$new/unit" /etc/systemd/system/caddy.service.d/fake-email.conf 644
[ -z "$is_changed" ] || sudo systemctl daemon-reload
# Keep a Caddyfile that is not ours.
if [ -e /etc/caddy/Caddyfile ] && [ ! -e /etc/caddy/Caddyfile.before-fake-email ]; then
    sudo cp -p /etc/caddy/Caddyfile /etc/caddy/Caddyfile.before-fake-email
fi
put "$new/Caddyfile" /etc/caddy/Caddyfile 644
if [ -n "$is_changed" ] || ! systemctl is-active --quiet caddy; then
    sudo systemctl enable --quiet caddy
    # A reload goes to the socket of the admin API, which a Caddy with an older Caddyfile does not have.
    how=reload-or-restart
    sudo test -S /run/caddy/admin.sock || how=restart
    sudo systemctl $how caddy || fail "Caddy does not start: $(sudo journalctl -u caddy -n 5 -o cat)"
fi

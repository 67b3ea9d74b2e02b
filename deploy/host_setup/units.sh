#!/bin/sh
# The user, the directories and the units
. host_setup/common.sh

# Those of the release that runs here, if one does: whoever runs this may have older ones.
source=/opt/fake-email/current/deploy
[ -d $source/systemd ] || source=$PWD
new=$(mktemp)
trap 'rm "$new"' EXIT
units=$(sudo "$source/units.sh" "$source/systemd")
for unit in $units; do changed "$unit"; done

domain=$(wanted domain)
{
    echo "# Where Caddy keeps the certificate of the mail host, from either issuer that it knows."
    echo "[Path]"
    for issuer in acme-v02.api.letsencrypt.org-directory acme.zerossl.com-v2-dv90; do
        echo "PathChanged=/var/lib/caddy/.local/share/caddy/certificates/$issuer/mail.$domain/mail.$domain.crt"
    done
} >"$new"
is_changed=
put "$new" /etc/systemd/system/fake-email.path.d/domain.conf 644
if [ -n "$is_changed" ]; then
    sudo systemctl daemon-reload
    sudo systemctl try-restart fake-email.path
fi

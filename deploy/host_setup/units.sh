#!/bin/sh
# User, directories and units
. host_setup/common.sh

# Install the units of the release that runs here, if any: the sources of this script may be older.
source=/opt/fake-email/current/deploy
[ -d $source/systemd ] || source=$PWD
new=$(mktemp)
trap 'rm "$new"' EXIT
units=$(sudo "$source/units.sh" "$source/systemd")
for unit in $units; do changed "$unit"; done

domain=$(setting domain)
{
    echo "# The files in which Caddy stores the certificate of the mail host, one for each of its issuers."
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

# Some clouds have their resolver among the addresses that the units deny.
python3 -E -B resolvers.py >"$new"
sed -n 's/^IPAddressAllow=/note: open to the services, though clouds hand out credentials there: resolver /p' "$new"
is_changed=
for service in http-api smtp-ingest; do
    opening=/etc/systemd/system/fake-email-$service.service.d/resolver.conf
    if [ -s "$new" ]; then
        put "$new" "$opening" 644
    elif [ -e "$opening" ]; then
        sudo rm "$opening"
        changed "$opening removed"
    fi
done
if [ -n "$is_changed" ]; then
    sudo systemctl daemon-reload
    sudo systemctl try-restart fake-email-http-api.service fake-email-smtp-ingest.service
fi

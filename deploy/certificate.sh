#!/bin/sh
# Copy Caddy's certificate for the mail host to smtp-ingest when the certificate has changed; systemd runs this.
set -eu
cd "$(dirname "$0")"
host=mail.${DOMAIN%%,*}
place=/etc/fake-email/tls
log() { printf '{"event":"%s","level":"%s","of":"%s"}\n' "$2" "$1" "$3"; }
python=/opt/fake-email/python/bin/python3
[ -x "$python" ] || python=/usr/bin/python3

# Caddy writes the certificate and the key one after the other: wait until they match.
tries=30
until from=$("$python" -E -B certificate.py "$host" $place); do
    [ $? != 2 ] || { log error certificate_refused "$from"; exit 1; }
    tries=$((tries - 1))
    [ $tries -gt 0 ] || { log error certificate_without_its_key "$from"; exit 1; }
    sleep 1
done
[ -n "$from" ] || { log info certificate_missing "$host"; exit 0; }
if cmp -s $place/fullchain.new $place/fullchain.pem && cmp -s $place/privkey.new $place/privkey.pem; then
    rm $place/fullchain.new $place/privkey.new
    exit 0
fi
chgrp fake-email $place/fullchain.new $place/privkey.new
chmod 640 $place/fullchain.new $place/privkey.new
mv $place/fullchain.new $place/fullchain.pem
mv $place/privkey.new $place/privkey.pem
systemctl try-reload-or-restart fake-email-smtp-ingest.service
log info certificate_copied "$from"

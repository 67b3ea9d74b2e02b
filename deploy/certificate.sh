#!/bin/sh
# Copy Caddy's certificate for the mail host to smtp-ingest when the certificate has changed; systemd runs this.
set -eu
host=mail.${DOMAIN%%,*}
place=/etc/fake-email/tls
log() { printf '{"event":"%s","level":"%s","of":"%s"}\n' "$2" "$1" "$3"; }
set -- /var/lib/caddy/.local/share/caddy/certificates/*/"$host/$host.crt"
[ -e "$1" ] || { log info certificate_missing "$host"; exit 0; }

# Each issuer has its own directory; the newest certificate is used.
newest=$1
for certificate; do [ "$certificate" -nt "$newest" ] && newest=$certificate; done
key=${newest%.crt}.key

# Caddy writes the certificate and the key one after the other: wait until they match.
tries=30
until public=$(openssl pkey -in "$key" -pubout) && [ "$(openssl x509 -in "$newest" -noout -pubkey)" = "$public" ]; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || { log error certificate_without_its_key "$newest"; exit 1; }
    sleep 1
done
! cmp -s "$newest" $place/fullchain.pem || ! cmp -s "$key" $place/privkey.pem || exit 0
install -m 640 -g fake-email "$newest" $place/fullchain.new
install -m 640 -g fake-email "$key" $place/privkey.new
mv $place/fullchain.new $place/fullchain.pem
mv $place/privkey.new $place/privkey.pem
systemctl try-reload-or-restart fake-email-smtp-ingest.service
log info certificate_copied "$newest"

#!/bin/sh
# Gives smtp-ingest the certificate that Caddy has for the mail host, when it is another one; systemd runs it.
set -eu
host=mail.${DOMAIN%%,*}
place=/etc/fake-email/tls
say() { printf '{"event":"%s","level":"%s","of":"%s"}\n' "$2" "$1" "$3"; }
set -- /var/lib/caddy/.local/share/caddy/certificates/*/"$host/$host.crt"
[ -e "$1" ] || { say info certificate_missing "$host"; exit 0; }

# Each issuer has a directory of its own: the newest certificate counts.
newest=$1
for each; do [ "$each" -nt "$newest" ] && newest=$each; done
key=${newest%.crt}.key

# Caddy writes one file after the other.
tries=30
until public=$(openssl pkey -in "$key" -pubout) && [ "$(openssl x509 -in "$newest" -noout -pubkey)" = "$public" ]; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || { say error certificate_without_its_key "$newest"; exit 1; }
    sleep 1
done
! cmp -s "$newest" $place/fullchain.pem || ! cmp -s "$key" $place/privkey.pem || exit 0
install -m 640 -g fake-email "$newest" $place/fullchain.new
install -m 640 -g fake-email "$key" $place/privkey.new
mv $place/fullchain.new $place/fullchain.pem
mv $place/privkey.new $place/privkey.pem
systemctl try-reload-or-restart fake-email-smtp-ingest.service
say info certificate_copied "$newest"

#!/bin/sh
# Caddy's own package repository, for CADDY_REPO=official (caddyserver.com/docs/install)
. host_setup/common.sh
url=https://dl.cloudsmith.io/public/caddy/stable
key=/usr/share/keyrings/caddy-stable.asc
# "Caddy Web Server <contact@caddyserver.com>"; keyserver.ubuntu.com has the same key.
fingerprint=65760C51EDEA2017CEA2CA15155B6D79CA56EA34
[ ! -e $key ] || exit 0
if ! command -v curl >/dev/null || ! command -v gpg >/dev/null; then
    sudo DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends curl ca-certificates gpg >/dev/null
fi
new=$(mktemp -d)
trap 'rm -r "$new"' EXIT
curl -fsSL "$url/gpg.key" -o "$new/key" || fail "cannot download $url/gpg.key"
./host_setup/is-key.sh "$new/key" $fingerprint || fail "$url/gpg.key is not the key $fingerprint: ask Caddy's maintainers"
echo "deb [signed-by=$key] $url/deb/debian any-version main" >"$new/list"
put "$new/list" /etc/apt/sources.list.d/caddy-stable.list 644
put "$new/key" $key 644
sudo apt-get -q update

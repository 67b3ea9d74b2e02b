#!/bin/sh
# Caddy's own package repository, for CADDY_REPO=official (caddyserver.com/docs/install)
. host_setup/common.sh
url=https://dl.cloudsmith.io/public/caddy/stable
key=/usr/share/keyrings/caddy-stable.asc
[ ! -e $key ] || exit 0
command -v curl >/dev/null || sudo DEBIAN_FRONTEND=noninteractive apt-get -qy install curl ca-certificates >/dev/null
new=$(mktemp -d)
trap 'rm -r "$new"' EXIT
curl -fsSL "$url/gpg.key" -o "$new/key" || fail "cannot download $url/gpg.key"
echo "deb [signed-by=$key] $url/deb/debian any-version main" >"$new/list"
put "$new/list" /etc/apt/sources.list.d/caddy-stable.list 644
put "$new/key" $key 644
sudo apt-get -q update

#!/bin/sh
# Packages, and a Python that is new enough
. host_setup/common.sh

is_there() {
    dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q '^install ok installed$'
}

[ "${CADDY_REPO-}" != official ] || ./host_setup/caddy-repository.sh
missing=
for package in curl jq netcat-openbsd ca-certificates openssl python3-venv ufw bind9-host caddy; do
    is_there "$package" || missing="$missing $package"
done
if [ -n "$missing" ]; then
    echo "installing:$missing"
    sudo apt-get -q update || echo "the lists of packages could not be fetched; the ones from before have to do"
    # shellcheck disable=SC2086  # a list of words
    sudo DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends $missing >/dev/null ||
        fail "apt-get could not install$missing; on Ubuntu 22.04 Caddy is to be had with CADDY_REPO=official"
    changed "packages:$missing"
fi
./host_setup/python.sh

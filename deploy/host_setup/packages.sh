#!/bin/sh
# Packages, and a recent Python
. host_setup/common.sh

is_installed() {
    dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q '^install ok installed$'
}

[ "${CADDY_REPO-}" != official ] || ./host_setup/caddy-repository.sh
missing=
for package in curl jq netcat-openbsd ca-certificates openssl python3-venv ufw bind9-host caddy; do
    is_installed "$package" || missing="$missing $package"
done
if [ -n "$missing" ]; then
    echo "installing:$missing"
    sudo apt-get -q update || echo "the package lists could not be downloaded; using the old ones"
    # shellcheck disable=SC2086  # a list of words
    sudo DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends $missing >/dev/null ||
        fail "apt-get could not install$missing; Ubuntu 22.04 gets Caddy with CADDY_REPO=official"
    changed "packages:$missing"
fi
./host_setup/python.sh

#!/bin/sh
# Install the units of directory $1 and print the files that changed; root runs this. It restarts nothing.
set -eu
changed=0

put() {
    cmp -s "$1" "$2" && return
    install -D -m 644 "$1" "$2"
    echo "$2"
    changed=1
}

for unit in "$1"/*.service "$1"/*.socket "$1"/*.target "$1"/*.path; do
    put "$unit" "/etc/systemd/system/${unit##*/}"
done
put "$1/sysusers.conf" /etc/sysusers.d/fake-email.conf
put "$1/tmpfiles.conf" /etc/tmpfiles.d/fake-email.conf
[ $changed = 1 ] || exit 0
systemd-sysusers /etc/sysusers.d/fake-email.conf
systemd-tmpfiles --create /etc/tmpfiles.d/fake-email.conf
systemctl daemon-reload

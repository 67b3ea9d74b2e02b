#!/bin/sh
# Services, and the release if this directory is part of one
. host_setup/common.sh
current=/opt/fake-email/current
for unit in fake-email.target fake-email-smtp-ingest.socket fake-email-smtp-ingest-metrics.socket \
    fake-email-smtp-ingest.service fake-email-http-api.socket fake-email-http-api-metrics.socket \
    fake-email-http-api.service fake-email.path fake-email-certificate.service; do
    # The release that runs here may be older, and then has fewer units.
    [ -e "/etc/systemd/system/$unit" ] || continue
    if ! systemctl is-enabled --quiet "$unit"; then
        sudo systemctl enable --quiet "$unit"
        changed "$unit enabled"
    fi
done

if [ -e ../VERSION ] && ! cmp -s ../VERSION $current/VERSION; then
    sudo ./install.sh
    changed "release $(cat ../VERSION)"
fi
if [ -e $current ]; then
    sudo systemctl start fake-email.target
fi

#!/bin/sh
# Settings and secrets: /etc/fake-email/env
. host_setup/common.sh
place=/etc/fake-email
current=/opt/fake-email/current
umask 077
new=$(mktemp)
trap 'rm -f "$new"' EXIT
setting file >"$new"

# A self-signed certificate serves until Caddy has one: senders then encrypt, and hardly any sender checks the issuer.
if ! sudo test -e $place/tls/fullchain.pem; then
    sudo openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=mail.$(setting domain)" \
        -keyout $place/tls/privkey.pem -out $place/tls/fullchain.pem 2>/dev/null
    sudo chown root:fake-email $place/tls/privkey.pem $place/tls/fullchain.pem
    sudo chmod 640 $place/tls/privkey.pem $place/tls/fullchain.pem
    changed "$place/tls"
fi

# Only systemd reads the settings, as root.
if sudo test -e $place/env && [ "$(sudo stat -c '%U:%G %a' $place/env)" != "root:root 600" ]; then
    sudo chown root:root $place/env
    sudo chmod 600 $place/env
    changed "$place/env belongs to root"
fi
! sudo cmp -s "$new" $place/env || exit 0
# The old file stays until the new one is complete.
sudo install -m 600 -o root -g root "$new" $place/env.new
if [ -e $current ]; then
    check="$current/venv/bin/fake-email check --before-migrate"
    # shellcheck disable=SC2086  # a command and its arguments
    output=$(sudo systemd-run --quiet --pipe --wait --collect -p User=fake-email -p WorkingDirectory=$current \
        -p EnvironmentFile=$place/env.new -- $check 2>&1) ||
        { sudo rm $place/env.new; fail "the services would not start with these settings and keep the old ones: $output"; }
fi
sudo mv $place/env.new $place/env
changed $place/env
sudo systemctl try-restart fake-email-http-api.service fake-email-smtp-ingest.service

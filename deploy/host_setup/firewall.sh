#!/bin/sh
# Firewall: allow ssh, 25, 80 and 443
. host_setup/common.sh

# Allow the ports that sshd listens on and the port of this session, so that the operator can log in again.
ports=$(sudo sshd -T 2>/dev/null | sed -n 's/^port //p')
if systemctl is-active --quiet ssh.socket; then
    ports=$(systemctl show -p Listen ssh.socket | grep -o '[0-9]* (Stream)' | cut -d ' ' -f 1)
fi
session=${SSH_CONNECTION-}
ports="${ports:-22} ${session##* }"
for port in $(echo "$ports 25 80 443" | tr ' ' '\n' | sort -nu); do
    added=$(sudo ufw allow "$port/tcp")
    case $added in
        *xisting*) ;;
        *) changed "firewall: $port/tcp" ;;
    esac
done
if ! sudo ufw status | grep -q '^Status: active'; then
    sudo ufw --force enable >/dev/null
    changed "firewall: on"
fi

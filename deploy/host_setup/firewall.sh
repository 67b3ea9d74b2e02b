#!/bin/sh
# The firewall: ssh, 25, 80 and 443
. host_setup/common.sh

# The ports that sshd really has, and the one that this session came by: whoever runs this must be able to come back.
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

#!/bin/sh
# Host: user, system, disk space and free ports
. host_setup/common.sh

[ "$(id -u)" -ne 0 ] || fail "run this as a user with sudo rights, not as root"
sudo -n true 2>/dev/null || fail "$(id -un) cannot use sudo without a password: ask the administrator of this host"
[ -r /etc/os-release ] || fail "this host has no /etc/os-release; only Ubuntu and Debian are supported"
. /etc/os-release
case " $ID ${ID_LIKE-} " in
    *" ubuntu "* | *" debian "*) ;;
    *) fail "this host runs $PRETTY_NAME; only Ubuntu and Debian are supported" ;;
esac
case $(uname -m) in
    x86_64 | aarch64) ;;
    *) fail "this host is a $(uname -m); only x86_64 and aarch64 are supported" ;;
esac
[ -d /run/systemd/system ] || fail "systemd does not run this host"
systemd=$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')
[ "$systemd" -ge 249 ] || fail "systemd $systemd is too old: it must be 249 or newer"
command -v python3 >/dev/null || fail "python3 is missing: sudo apt-get install python3"

free_mb=$(df -Pm /opt | sed -n '2p' | tr -s ' ' | cut -d ' ' -f 4)
[ "$free_mb" -ge 2000 ] || fail "/opt has $free_mb MB free; six releases and the packages need up to 2000 MB"

# other_listener PORT OURS: a program that listens on PORT, other than the programs OURS that this sets up.
other_listener() {
    sudo ss -Hltnp "sport = :$1" | grep -o '"[^"]*",pid=[0-9]*' | grep -vE "^\"($2)\"" | head -n 1 || true
}
for port in 25:systemd\|smtp-ingest 80:caddy 443:caddy; do
    other=$(other_listener "${port%%:*}" "${port#*:}")
    [ -z "$other" ] || fail "port ${port%%:*} is in use by $other: disable that service, for example sudo systemctl disable --now postfix"
done
setting check
echo "$PRETTY_NAME on $(uname -m), systemd $systemd, $free_mb MB free, ports 25, 80 and 443 available"

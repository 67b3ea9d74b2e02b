#!/bin/sh
# The host: who runs this, what it runs on, and whether its ports are free
. host_setup/common.sh

[ "$(id -u)" -ne 0 ] || fail "run it as a user who may sudo, not as root"
sudo -n true 2>/dev/null || fail "$(id -un) may not sudo without a password: ask whoever set up this host"
[ -r /etc/os-release ] || fail "this is neither Ubuntu nor Debian"
. /etc/os-release
case " $ID ${ID_LIKE-} " in
    *" ubuntu "* | *" debian "*) ;;
    *) fail "this is $PRETTY_NAME; Ubuntu or Debian is what it takes" ;;
esac
case $(uname -m) in
    x86_64 | aarch64) ;;
    *) fail "there are no releases for a $(uname -m): x86_64 or aarch64 is what it takes" ;;
esac
[ -d /run/systemd/system ] || fail "systemd does not run this host"
systemd=$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')
[ "$systemd" -ge 249 ] || fail "systemd $systemd is too old: 249 is the oldest that will do"
command -v python3 >/dev/null || fail "python3 is missing: sudo apt-get install python3"

free_mb=$(df -Pm /opt | sed -n '2p' | tr -s ' ' | cut -d ' ' -f 4)
[ "$free_mb" -ge 2000 ] || fail "$free_mb MB are free below /opt; six releases and the packages take up to 2000"

# Whoever listens on a port, other than what this sets up itself.
holder() {
    sudo ss -Hltnp "sport = :$1" | grep -o '"[^"]*",pid=[0-9]*' | grep -vE "^\"($2)\"" | head -n 1 || true
}
for port in 25:systemd\|smtp-ingest 80:caddy 443:caddy; do
    other=$(holder "${port%%:*}" "${port#*:}")
    [ -z "$other" ] || fail "port ${port%%:*} is taken by $other: stop it and disable it, as in sudo systemctl disable --now postfix"
done
wanted check
echo "$PRETTY_NAME on $(uname -m), systemd $systemd, $free_mb MB free, ports 25, 80 and 443 free or ours"

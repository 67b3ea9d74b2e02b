#!/bin/sh
# Exit with status 0 when the OpenPGP key with the fingerprint $2 is the only one in the file $1, as apt trusts each.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
found=$(gpg --homedir "$home" --batch --no-autostart --with-colons --show-keys "$1" 2>/dev/null |
    sed -n '/^pub:/,/^fpr:/s/^fpr:*\([0-9A-F]*\):.*/\1/p')
[ "$found" = "$2" ]

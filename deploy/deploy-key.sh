#!/bin/sh
# All that the deploy key may do: put a release into the home directory, and have it install itself. In authorized_keys:
# restrict,command="/opt/fake-email/current/deploy/deploy-key.sh" ssh-ed25519 …
set -eu
# As in deploy.sh and .github/workflows/deploy.yml; a host has that of the release before, so both forms for one release.
asked=${SSH_ORIGINAL_COMMAND:-a shell}
name=$(printf '%s' "$asked" | grep -Eo 'fake-email-[A-Za-z0-9._-]+' | head -n 1)
name=${name%.tar.gz}
install="d=\$(mktemp -d -p .) && tar -xzf $name.tar.gz -C \$d && sudo -n \$d/$name/deploy/install.sh; s=\$?; rm -rf \$d $name.tar.gz; exit \$s"
case $asked in
"scp -t $name.tar.gz") exec scp -t "$name.tar.gz" ;;
"$install") exec sh -c "$install" ;;
esac
echo "this key may ship a release and install it, and nothing else: not $asked" >&2
exit 1

#!/bin/sh
# Installs RELEASE with PYTHON below the empty directory ROOT, which has this machine's /usr alone, and starts each
# command; in mount and network namespaces of its own, as release.py makes them.
set -eu
root=$1 release=$2 python=$3
mkdir "$root"
mount -t tmpfs -o mode=755 tmpfs "$root"
mkdir -p "$root/usr" "$root/etc" "$root/dev" "$root/tmp" "$root/release"
mount --rbind /usr "$root/usr"
for name in bin sbin lib lib64; do
    if [ -L "/$name" ]; then cp -P "/$name" "$root/"; fi
done
cp /etc/ld.so.cache "$root/etc/"
touch "$root/dev/null"
mount --bind /dev/null "$root/dev/null"
mount --bind "$release" "$root/release"
cd "$root"
exec chroot "$root" /usr/bin/env -i PATH=/usr/bin:/bin HOME=/nowhere LC_ALL=C.UTF-8 PYTHONPATH=/release/deploy \
    DATABASE_URL=postgresql://127.0.0.1/none DOMAIN=mx.example.org /bin/sh -euc '
    cd /release
    "$0" -B -m installing.environment
    unset PYTHONPATH
    venv/bin/smtp-ingest --version
    venv/bin/http-api --version
    venv/bin/fake-email check --offline' "$python"

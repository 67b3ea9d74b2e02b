#!/bin/sh
# Tries RELEASE out with PYTHON below the empty directory ROOT, where there is this machine's /usr, PREFIX when Python
# lies elsewhere, and nothing else; release.py runs it, in mount and network namespaces of its own.
set -eu
root=$1 release=$2 python=$3 prefix=$4
mkdir "$root"
mount -t tmpfs -o mode=755 tmpfs "$root"
mkdir -p "$root/usr" "$root/etc" "$root/dev" "$root/tmp"
mount --rbind /usr "$root/usr"
for name in bin sbin lib lib64; do
    if [ -L "/$name" ]; then cp -P "/$name" "$root/"; fi
done
case $prefix/ in
/usr/*) ;;
*) mkdir -p "$root$prefix" && mount --bind "$prefix" "$root$prefix" ;;
esac
cp /etc/ld.so.cache "$root/etc/"
touch "$root/dev/null"
mount --bind /dev/null "$root/dev/null"
cp -R "$release" "$root/release"
cd "$root"
exec chroot "$root" /usr/bin/env -i --chdir=/release PATH=/usr/bin:/bin HOME=/nowhere LC_ALL=C.UTF-8 \
    deploy/release_build/try-out.sh "$python"

#!/bin/sh
# empty-root.sh ROOT RELEASE PYTHON PREFIX: try RELEASE with PYTHON in a root file system at ROOT, which has only this
# machine's /usr, and PREFIX when Python is elsewhere. release.py runs this in new mount and network namespaces.
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

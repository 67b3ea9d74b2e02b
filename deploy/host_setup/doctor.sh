#!/bin/sh
# Check of this host by the release that it runs, or the next step where there is none
. host_setup/common.sh
program=/opt/fake-email/current/venv/bin/fake-email

if ! [ -e $program ]; then
    echo "no release yet: run make deploy HOST=$(id -un)@this-host on the machine where the sources are"
    echo "there, .venv/bin/fake-email doctor --domain $(setting domain) --only dns checks the DNS records already"
elif ! $program doctor --help >/dev/null 2>&1; then
    echo "this release has no doctor, which would check the host: deploy a newer one"
else
    status=0
    sudo $program doctor --wait 60 || status=$?
    [ $status -le 1 ] || exit $status # 1 stands for warnings
fi

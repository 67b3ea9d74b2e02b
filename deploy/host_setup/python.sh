#!/bin/sh
# Install a recent Python with uv in /opt/fake-email/python when the host's own is too old.
. host_setup/common.sh
home=/opt/fake-email/python
is_new() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}
! is_new /usr/bin/python3 && ! is_new $home/bin/python3 || exit 0

echo "$(python3 --version) is older than 3.11: installing Python 3.12 in $home with uv (100 MB)"
sudo python3 -m venv $home/uv
sudo $home/uv/bin/pip --quiet --disable-pip-version-check install --require-hashes -r host_setup/requirements-uv.txt
uv() { sudo env UV_PYTHON_INSTALL_DIR=$home/versions $home/uv/bin/uv --quiet "$@"; }
# The services cannot write there: without this option they would compile every import again at each start.
uv python install --compile-bytecode 3.12
sudo mkdir -p $home/bin
sudo ln -sf "$(uv python find --managed-python --no-project 3.12)" $home/bin/python3
is_new $home/bin/python3 || fail "the Python that uv installed in $home does not work"
changed "$home"

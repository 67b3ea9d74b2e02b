#!/bin/sh
# Makes the virtual environment that the Makefile works in: when there is none, or when a lock changed.
set -eu
cd "$(dirname "$0")/.."
venv=${VENV:-.venv}
fail() { echo "setup: $*" >&2; exit 1; }
version() { "$1" -c 'import sys; assert sys.version_info >= (3, 11); print(sys.version)' 2>/dev/null; }

# The one that the environment was made with comes first, unless another is asked for.
if [ -n "${PYTHON:-}" ]; then set -- "$PYTHON"
elif [ -e "$venv/ready" ]; then set -- "$venv/bin/python" python3 python3.14 python3.13 python3.12 python3.11
else set -- python3 python3.14 python3.13 python3.12 python3.11; fi
tried=$1
while [ $# -gt 0 ] && ! version "$1" >/dev/null; do shift; done
[ $# -gt 0 ] || fail "$tried is not Python 3.11 or newer: install one, or name it, as in make run PYTHON=python3.12"
"$1" -c 'import ensurepip, venv' 2>/dev/null || fail "$1 cannot make environments: apt install python3-venv"

if [ ! -e "$venv/ready" ] || [ "$(version "$1")" != "$(version "$venv/bin/python")" ]; then
    rm -f "$venv/ready"
    "$1" -m venv --clear "$venv"
fi
rm -f "$venv/ready"
pip() { "$venv/bin/python" -m pip --quiet --quiet --disable-pip-version-check "$@"; }
pip install --require-hashes -r requirements-uv.txt
uv() { "$venv/bin/uv" --quiet --system-certs pip "$@" --python "$venv/bin/python"; }
# uv takes seconds; pip takes most of a minute, but it may have been told of an index or a proxy that uv does not know.
uv install --require-hashes -r requirements-dev.txt || pip install --require-hashes -r requirements-dev.txt
uv install --no-deps --no-build-isolation -e shared -e services/smtp-ingest -e services/http-api
touch "$venv/ready"

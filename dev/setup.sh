#!/bin/sh
# Make the virtual environment for the Makefile; make runs this when there is none, or when a lock file changed.
set -eu
cd "$(dirname "$0")/.."
venv=${VENV:-.venv}
fail() { echo "setup: $*" >&2; exit 1; }
version() { "$1" -c 'import sys; assert sys.version_info >= (3, 11); print(sys.version)' 2>/dev/null; }

# Unless PYTHON names one, the Python that the environment was made with comes first.
if [ -n "${PYTHON:-}" ]; then set -- "$PYTHON"
elif [ -e "$venv/ready" ]; then set -- "$venv/bin/python" python3 python3.14 python3.13 python3.12 python3.11
else set -- python3 python3.14 python3.13 python3.12 python3.11; fi
tried=$1
while [ $# -gt 0 ] && ! version "$1" >/dev/null; do shift; done
[ $# -gt 0 ] || fail "$tried is not Python 3.11 or newer: install one, or name one, for example make run PYTHON=python3.12"
"$1" -c 'import ensurepip, venv' 2>/dev/null || fail "$1 cannot make virtual environments: apt install python3-venv"

if [ ! -e "$venv/ready" ] || [ "$(version "$1")" != "$(version "$venv/bin/python")" ]; then
    rm -f "$venv/ready"
    "$1" -m venv --clear "$venv"
fi
rm -f "$venv/ready"
pip() { "$venv/bin/python" -m pip --quiet --quiet --disable-pip-version-check "$@"; }
pip install --require-hashes -r requirements-uv.txt
uv() { "$venv/bin/uv" --quiet --system-certs pip "$@" --python "$venv/bin/python"; }
# uv takes seconds, pip most of a minute. pip is the fallback: its configuration may name an index or a proxy.
uv install --require-hashes -r requirements-dev.txt || pip install --require-hashes -r requirements-dev.txt
uv install --no-deps --no-build-isolation -e shared -e services/smtp-ingest -e services/http-api
touch "$venv/ready"

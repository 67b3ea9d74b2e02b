#!/bin/sh
# Make the virtual environment for the Makefile; make runs this when there is none, or when a lock file changed.
set -eu
cd "$(dirname "$0")/.."
venv=${VENV:-.venv}
fail() { echo "setup: $*" >&2; exit 1; }
version() { "$1" -c 'import sys; assert sys.version_info >= (3, 11); print(sys.version)' 2>/dev/null; }
is_usable() { version "$1" >/dev/null && "$1" -c 'import ensurepip, venv' 2>/dev/null; }
is_optimised() { "$1" deploy/installer/python_build.py; }

# PYTHON, else the Python of the environment, else the first that was built with optimisations, else the first.
if [ -n "${PYTHON:-}" ]; then set -- "$PYTHON"
elif [ -e "$venv/ready" ] && is_usable "$venv/bin/python"; then set -- "$venv/bin/python"
else set -- python3 /usr/bin/python3 python3.14 python3.13 python3.12 python3.11; fi
tried=$1 python='' why='built with optimisations'
for each; do is_usable "$each" && is_optimised "$each" && python=$each && break; done
if [ -z "$python" ]; then
    why='built without optimisations, 20 to 40 % slower'
    for each; do is_usable "$each" && python=$each && break; done
fi
if [ -z "$python" ]; then
    for each; do
        ! version "$each" >/dev/null || fail "$each cannot make virtual environments: apt install python3-venv"
    done
    fail "$tried is not Python 3.11 or newer: install one, or name one, for example make run PYTHON=python3.12"
fi
echo "setup: Python $("$python" -c 'import platform as p, sys; print(p.python_version(), "in", sys.base_prefix)'), $why" >&2

if [ ! -e "$venv/ready" ] || [ "$(version "$python")" != "$(version "$venv/bin/python")" ]; then
    rm -f "$venv/ready"
    "$python" -m venv --clear "$venv"
fi
rm -f "$venv/ready"
pip() { "$venv/bin/python" -m pip --quiet --quiet --disable-pip-version-check "$@"; }
pip install --require-hashes -r requirements-uv.txt
uv() { "$venv/bin/uv" --quiet --system-certs pip "$@" --python "$venv/bin/python"; }
# uv takes seconds, pip most of a minute. pip is the fallback: its configuration may name an index or a proxy.
# Libraries without a wheel are built, with the locked setuptools.
uv install --require-hashes --build-constraints requirements-dev.txt -r requirements-dev.txt || pip install --require-hashes -r requirements-dev.txt
uv install --no-deps --no-build-isolation -e shared -e services/smtp-ingest -e services/http-api -e clients/python
touch "$venv/ready"

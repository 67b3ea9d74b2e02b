#!/bin/sh
# try-out.sh PYTHON: install the release in the working directory and start each command; empty-root.sh runs this.
set -eu
PYTHONPATH=deploy "$1" -B -m installer.environment
venv/bin/smtp-ingest --version
venv/bin/http-api --version
DATABASE_URL=postgresql://127.0.0.1/none DOMAIN=mx.example.org venv/bin/fake-email check --offline

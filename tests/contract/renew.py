"""Keep the API document of this checkout as the contract: `.venv/bin/python tests/contract/renew.py`.

The command refuses to drop a promise of the kept document, unless `--breaking` says that the break is intended.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.extend(str(Path(__file__).resolve().parents[2] / each) for each in ("dev", "tests"))

import httpx
import msgspec
from contract.promises import promises
from support.harness import own_postgres, running_http

KEPT = Path(__file__).with_name("openapi.json")


def main() -> None:
    """Exit status 1, and a line for each promise, when promises would be dropped."""
    parser = argparse.ArgumentParser(description="Keep the API document of this checkout as the contract.")
    parser.add_argument("--breaking", action="store_true", help="drop promises that this checkout does not keep")
    may_break = parser.parse_args().breaking
    with (
        own_postgres() as postgres,
        tempfile.TemporaryDirectory() as directory,
        running_http(postgres.url, Path(directory)) as api,
    ):
        current = httpx.get(f"{api.http_url}/api/openapi.json", trust_env=False).json()
    gone = sorted(promises(msgspec.json.decode(KEPT.read_bytes())) - promises(current)) if KEPT.exists() else []
    if gone and not may_break:
        sys.exit("\n".join(["not renewed; --breaking would drop these promises:", *gone]))
    text = msgspec.json.format(msgspec.json.encode(current, order="sorted"), indent=1)
    KEPT.write_bytes(text + b"\n")
    sys.stdout.write(f"{KEPT.name}: {len(promises(current))} promises are kept, {len(gone)} were dropped\n")


if __name__ == "__main__":
    main()

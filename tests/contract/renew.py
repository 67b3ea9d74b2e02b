"""Keep the API document of this checkout as the contract: `.venv/bin/python tests/contract/renew.py`.

The command refuses to drop a promise of the kept document, unless `--breaking` says that the break is intended.
"""

import argparse
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

import msgspec
from contract.promises import promises
from support import api_document

from http_api.openapi import document

KEPT = Path(__file__).with_name("openapi.json")


def main() -> None:
    """Exit status 1, and a line for each promise, when promises would be dropped."""
    parser = argparse.ArgumentParser(description="Keep the API document of this checkout as the contract.")
    parser.add_argument("--breaking", action="store_true", help="drop promises that this checkout does not keep")
    may_break = parser.parse_args().breaking
    current = msgspec.json.decode(document.encode(api_document.application().openapi_schema), type=dict[str, object])
    gone = sorted(promises(msgspec.json.decode(KEPT.read_bytes())) - promises(current)) if KEPT.exists() else []
    if gone and not may_break:
        sys.exit("\n".join(["not renewed; --breaking would drop these promises:", *gone]))
    text = msgspec.json.format(msgspec.json.encode(current, order="sorted"), indent=1)
    KEPT.write_bytes(text + b"\n")
    sys.stdout.write(f"{KEPT.name}: {len(promises(current))} promises are kept, {len(gone)} were dropped\n")


if __name__ == "__main__":
    main()

"""Fuzzing of the API: calls that make http-api fail, or respond with something that its OpenAPI document lacks."""

import sys
import tempfile
import time
from pathlib import Path

sys.path.extend(str(Path(__file__).resolve().parents[2] / each) for each in ("dev", "tests"))

from support import any_call
from support.database import own_postgres
from support.harness import running_pair

_CASES = 50


def main() -> None:
    """Try every call in turn for as many seconds as the first argument says; a failed check ends with status 1."""
    ends_at = time.monotonic() + float(sys.argv[1])
    with (
        own_postgres() as postgres,
        tempfile.TemporaryDirectory() as directory,
        running_pair(postgres.url, Path(directory)) as pair,
    ):
        operations = list(any_call.operations(any_call.document(pair)))
        while True:
            for operation in operations:
                if time.monotonic() > ends_at:
                    return
                any_call.try_calls(pair, operation, cases=_CASES, is_random=True)
                sys.stdout.write(f"{operation.label}: {_CASES} calls\n")


if __name__ == "__main__":
    main()

"""Real messages, of which the repository has none: the files *.raw in the directory CORPUS, else in tests/corpus."""

import os
from pathlib import Path

import pytest

MISSING = "the corpus is not here: CORPUS=DIR names one"


def files() -> list[Path]:
    """The messages, sorted; raises FileNotFoundError when the directory that CORPUS names has none."""
    given = os.environ.get("CORPUS")
    found = sorted(Path(given or Path(__file__).parents[1] / "corpus").rglob("*.raw"))
    if given and not found:
        raise FileNotFoundError(f"CORPUS: no file *.raw in {given}")
    return found


FILES = files()
is_needed = pytest.mark.skipif(not FILES, reason=MISSING)
# A test with the parameter `path` runs for each message.
for_each = pytest.mark.parametrize(
    "path",
    [pytest.param(each, id=each.stem) for each in FILES] or [pytest.param(Path(), id="none", marks=is_needed)],
)

"""The weekly list of old pins names each pin that is behind a release, and no other."""

from pathlib import Path

import behind
from packaging.version import Version

LOCK = """
# via nothing
granian==2.8.7 \\
    --hash=sha256:0123
    # via http-api
numpy==1.9.0 ; python_version < "3.12"
numpy==1.10.0 ; python_version >= "3.12"
typing-extensions==4.15.0
"""


def test_the_pins_of_a_lock_are_read_without_hashes_and_comments() -> None:
    assert behind.pins(LOCK) == {
        "granian": Version("2.8.7"),
        "numpy": Version("1.10.0"),
        "typing-extensions": Version("4.15.0"),
    }


def test_only_a_pin_that_is_older_than_its_release_is_listed() -> None:
    released = behind.pins("granian==2.8.10\nnumpy==1.10.0\ntyping-extensions==4.14.0")

    assert behind.behind(behind.pins(LOCK), released) == ["granian 2.8.7 -> 2.8.10"]


def test_every_pin_of_the_lock_files_is_read() -> None:
    for lock in behind.LOCKS:
        text = (Path(behind.ROOT) / lock).read_text()

        assert len(behind.pins(text)) == len({line.split("==")[0] for line in text.splitlines() if "==" in line[:60]})

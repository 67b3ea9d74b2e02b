"""A host keeps its releases in the order of their installation."""

import os
import time
from pathlib import Path

import pytest
from installer import manifest, releases

HOUR = 3_600 * 1_000_000_000


def unpack(directory: Path) -> Path:
    """Make `directory` with the two files of an unpacked release that identify it."""
    directory.mkdir(parents=True)
    for name in ("VERSION", manifest.SUMS):
        (directory / name).write_text(directory.name)
    return directory


def test_the_release_installed_last_is_the_newest_even_when_the_clock_was_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(releases, "RELEASES", tmp_path / "releases")
    first, second = (unpack(tmp_path / "releases" / name) for name in ("first", "second"))
    in_an_hour = time.time_ns() + HOUR
    os.utime(first / "VERSION", ns=(in_an_hour, in_an_hour))

    releases.place(unpack(tmp_path / "second"), second, first)

    assert releases.previous(second) == first

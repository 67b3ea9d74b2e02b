"""Whether a release is as it was made."""

import hashlib
from pathlib import Path

from installer.errors import Failed

SUMS = "SHA256SUMS"


def verify(release: Path) -> str:
    """The version of an unpacked release; raises Failed that names each file that is missing, too many or changed."""
    try:
        lines = (release / SUMS).read_text().splitlines()
    except OSError as error:
        raise Failed(f"{release} is no release: {error}") from None
    wanted = {name: sum_ for sum_, _, name in (line.partition("  ") for line in lines)}
    there = {str(path.relative_to(release)): path for path in release.rglob("*") if path.is_file()}
    del there[SUMS]
    wrong = [f"{name} is missing" for name in wanted.keys() - there.keys()]
    wrong += [f"{name} does not belong to it" for name in there.keys() - wanted.keys()]
    wrong += [f"{name} has another sum" for name in there.keys() & wanted.keys() if _sum(there[name]) != wanted[name]]
    if wrong:
        raise Failed("\n  ".join(["the release is not as it was made, ship it again:", *sorted(wrong)]))
    return (release / "VERSION").read_text().strip()


def _sum(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()

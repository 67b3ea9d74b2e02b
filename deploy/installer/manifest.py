"""Compare the files of a release with the checksums in its manifest."""

import hashlib
from pathlib import Path

from installer.errors import Failed

SUMS = "SHA256SUMS"


def verify(release: Path) -> str:
    """The version of an unpacked release; raises Failed, which names each missing, unexpected or changed file."""
    try:
        lines = (release / SUMS).read_text().splitlines()
    except OSError as error:
        raise Failed(f"{release} is not a release: {error}") from None
    listed = {name: sum_ for sum_, _, name in (line.partition("  ") for line in lines)}
    unpacked = {str(path.relative_to(release)): path for path in release.rglob("*") if path.is_file()}
    del unpacked[SUMS]
    faults = [f"{name} is missing" for name in listed.keys() - unpacked.keys()]
    faults += [f"{name} is not part of the release" for name in unpacked.keys() - listed.keys()]
    faults += [
        f"{name} has another checksum"
        for name in unpacked.keys() & listed.keys()
        if _sum(unpacked[name]) != listed[name]
    ]
    if faults:
        raise Failed("\n  ".join(["the release was damaged or changed, copy it to the host again:", *sorted(faults)]))
    return (release / "VERSION").read_text().strip()


def _sum(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()

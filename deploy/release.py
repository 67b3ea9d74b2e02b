"""`make release`: one file that holds all that a host needs, checked before it is called done.

PYTHON_VERSION and ARCH name the host's Python and machine, as in 3.12 and aarch64; default: this machine's. The path
of the file is the one line on stdout.
"""

import os
import sys
import tempfile
from pathlib import Path

from release_build import archive, checks, source, trial, wheels
from release_build.errors import ReleaseError
from release_build.target import Target

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Exit status 0: the release is in dist/. 1: it is not, and nothing with its name is."""
    try:
        print(make(Target.of(os.environ), ROOT / "dist"))
    except ReleaseError as error:
        sys.exit(f"release: {error}")


def make(target: Target, place: Path) -> Path:
    """Build for `target`, check, and write into `place`; raises ReleaseError."""
    version = source.version(ROOT)
    path = place / f"fake-email-{version}.tar.gz"
    path.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="fake-email-release-") as scratch:
        release = Path(scratch) / path.name.removesuffix(".tar.gz")
        tell(f"{version} for Python {target.python} on {target.arch}")
        source.copy(ROOT, release, ["db/migrations", "deploy"])
        wheels.fetch(ROOT / "requirements.txt", release, target)
        wheels.build(ROOT, release, version)
        (release / "VERSION").write_text(f"{version}\n")
        (release / "TARGET").write_text(f"{target.python} {target.arch}\n")
        archive.write_sums(release)
        checks.check(release, target)
        tell(trial.run(release, target, Path(scratch)))
        archive.write(release, path, source.committed_at(ROOT))
    return path


def tell(line: str) -> None:
    sys.stderr.write(f"release: {line}\n")


if __name__ == "__main__":
    main()

"""`make release`: build one file with everything that a host needs, and check it before it gets its final name.

PYTHON_VERSION and ARCH name the host's Python and machine, for example 3.12 and aarch64; the default is this machine.
stdout has one line, the path of the file.
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
    """Exit status 0: the release is in dist/. 1: the build failed, and dist/ has no file of that name."""
    try:
        print(make(Target.of(os.environ), ROOT / "dist"))
    except ReleaseError as error:
        sys.exit(f"release: {error}")


def make(target: Target, directory: Path) -> Path:
    """Build a release for `target`, check it, and write it to `directory`; raises ReleaseError."""
    version = source.version(ROOT)
    path = directory / f"fake-email-{version}.tar.gz"
    path.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="fake-email-release-") as scratch:
        release = Path(scratch) / path.name.removesuffix(".tar.gz")
        tell(f"{version} for Python {target.python} on {target.arch}")
        source.copy(ROOT, release, ["db/migrations", "deploy"])
        os.environ["SOURCE_DATE_EPOCH"] = str(source.committed_at(ROOT))  # the time of each file in a built wheel
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

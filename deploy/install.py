"""Installs the release that this lies in; what fails leaves the host on the release that it had, and says why."""

from pathlib import Path

from installing import manifest, preflight, releases, session, switch
from installing.errors import Failed
from installing.host import tell

UNPACKED = Path(__file__).resolve().parents[1]


def main() -> None:
    """Exit status 0: the host runs this release. 1: it does not, and runs what it ran before."""
    with session.session("deploy"):
        version = manifest.verify(UNPACKED)
        preflight.fits(UNPACKED)
        before = releases.current()
        release = releases.RELEASES / version
        tell(f"{version} replaces {before.name if before else 'nothing'}")
        try:
            releases.place(UNPACKED, release, before)
            preflight.try_out(release)
            preflight.migrate(release)
        except BaseException:
            if release != before:
                releases.remove(release)
            tell("nothing that runs was touched")
            raise
        try:
            switch.activate(release, before, is_new=True)
        except Failed:
            if release != before:
                releases.remove(release)
            raise
        releases.keep_newest(release, before)
        tell(f"done: the host runs {version}")


if __name__ == "__main__":
    main()

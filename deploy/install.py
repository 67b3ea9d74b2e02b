"""Install the release that contains this file; a failure is explained and leaves the host on its previous release."""

from pathlib import Path

from installer import doctor, manifest, preflight, releases, session, switch
from installer.errors import Failed
from installer.host import tell

UNPACKED = Path(__file__).resolve().parents[1]


def main() -> None:
    """Exit status 0: the host runs this release. 1: the host still runs its previous release."""
    with session.session("deploy"):
        before = releases.current()
        try:
            release = _prepare(before)
        except (Failed, OSError) as failed:
            raise Failed(f"{failed}\nthe running services were not touched") from None
        try:
            switch.activate(release, before, is_new=True)
        except Failed:
            if release != before:
                releases.remove(release)
            raise
        releases.keep_newest(release, before)
        tell(f"done: the host runs {release.name}")
        tell(doctor.advice(release))


def _prepare(before: Path | None) -> Path:
    """Unpack and try the release, and migrate the database; raises Failed after deleting the new release."""
    version = manifest.verify(UNPACKED)
    preflight.fits(UNPACKED)
    release = releases.RELEASES / version
    tell(f"{version} replaces {before.name if before else 'nothing'}")
    try:
        releases.place(UNPACKED, release, before)
        preflight.try_out(release)
        preflight.migrate(release)
    except BaseException:
        if release != before:
            releases.remove(release)
        raise
    return release


if __name__ == "__main__":
    main()

"""Roll back to an earlier release on this host, with the health checks of a deploy."""

import sys

from installer import releases, session, switch
from installer.host import tell


def main() -> None:
    """Exit status 0: the host runs the earlier release. 1: the host still runs the release that it ran before."""
    with session.session("rollback"):
        before = releases.current()
        earlier = releases.find(sys.argv[1]) if len(sys.argv) > 1 else releases.previous(before)
        tell(f"rolling back from {before.name if before else 'no release'} to {earlier.name}")
        switch.activate(earlier, before, is_new=False)
        tell(f"done: the host runs {earlier.name}")


if __name__ == "__main__":
    main()

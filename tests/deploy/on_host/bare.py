"""A bare host with what setup.sh wants around it: a database, DNS, an authority; and the way to run setup.sh on it."""

import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import world
from container import ADMINISTRATOR, Container, booted

SOURCES = Path(__file__).parents[3]
CLONE = "/srv/clone"
PASSWORD = "open-Sesame-7"
VARIABLES = {
    "DATABASE_URL": f"postgresql://mail:{PASSWORD}@localhost/mail",
    "DOMAIN": world.DOMAIN,
    "VERCEL_ORIGIN": "https://your-app.vercel.app",
}
_SECONDS = 300.0
_DATABASE = f"CREATE ROLE mail LOGIN PASSWORD '{PASSWORD}'; \nCREATE DATABASE mail OWNER mail;"


@contextmanager
def bare(name: str, directory: Path) -> Iterator[Container]:
    """A host that nothing was done to but to copy the sources' deploy/ to it."""
    with booted(name) as container, world.around(container, directory):
        # A file, since what is on a command line is in the journal too.
        (container.root / "srv/database.sql").write_text(_DATABASE)
        container.as_root("su", "postgres", "-c", "psql -q -f /srv/database.sql")
        (container.root / "srv/database.sql").unlink()
        shutil.copytree(
            SOURCES / "deploy", container.root / CLONE[1:] / "deploy", ignore=shutil.ignore_patterns("__pycache__")
        )
        container.as_root("chown", "-R", ADMINISTRATOR, CLONE)
        yield container


def command(place: str = CLONE, **variables: str) -> str:
    """The line of shell that runs setup.sh; a variable that is empty is not given."""
    given = {**VARIABLES, **variables}
    assignments = [f"{name}={shlex.quote(value)}" for name, value in given.items() if value]
    return " ".join([*assignments, f"{place}/deploy/setup.sh"])


def set_up(
    container: Container, place: str = CLONE, *, user: str = ADMINISTRATOR, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run setup.sh over ssh, to its end."""
    return container.ssh(command(place, **variables), user=user, check=False, seconds=_SECONDS)

"""A bare host with the surroundings that setup.sh needs (a database, DNS, a certificate authority), and setup.sh."""

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
    """A host that has nothing of ours except a copy of deploy/."""
    with booted(name) as container, world.around(container, directory):
        # Passed in a file: a command line, with the password, would be in the journal.
        (container.root / "srv/database.sql").write_text(_DATABASE)
        container.as_root("su", "postgres", "-c", "psql -q -f /srv/database.sql")
        (container.root / "srv/database.sql").unlink()
        shutil.copytree(
            SOURCES / "deploy", container.root / CLONE[1:] / "deploy", ignore=shutil.ignore_patterns("__pycache__")
        )
        container.as_root("chown", "-R", ADMINISTRATOR, CLONE)
        yield container


def command(directory: str = CLONE, **variables: str) -> str:
    """The shell line that runs setup.sh; a variable with an empty value is left out."""
    environ = {**VARIABLES, **variables}
    assignments = [f"{name}={shlex.quote(value)}" for name, value in environ.items() if value]
    return " ".join([*assignments, f"{directory}/deploy/setup.sh"])


def set_up(
    container: Container, directory: str = CLONE, *, user: str = ADMINISTRATOR, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run setup.sh over ssh and wait for its end."""
    return container.ssh(command(directory, **variables), user=user, check=False, seconds=_SECONDS)
